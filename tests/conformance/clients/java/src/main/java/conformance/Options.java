package conformance;

import java.util.HashMap;
import java.util.Map;

/** The command line that all clients of the suite share. For admin, the topic is the prefix of its topics. */
record Options(
        String mode,
        String bootstrap,
        String topic,
        String codec,
        int count,
        int partitions,
        String acks,
        boolean idempotent,
        boolean explicit,
        String shape,
        long since,
        String protocol,
        String group,
        boolean cooperative,
        String instance,
        int sessionMs,
        String pattern,
        int pace) {

    static Options parse(String[] arguments) {
        Map<String, String> given = new HashMap<>();
        for (int at = 1; at + 1 < arguments.length; at += 2) {
            given.put(arguments[at].substring(2), arguments[at + 1]);
        }
        return new Options(
                arguments[0],
                given.get("bootstrap"),
                given.get("topic"),
                given.getOrDefault("codec", "none"),
                Integer.parseInt(given.getOrDefault("count", "0")),
                Integer.parseInt(given.getOrDefault("partitions", "4")),
                given.getOrDefault("acks", "all"),
                Boolean.parseBoolean(given.getOrDefault("idempotent", "false")),
                given.getOrDefault("partitioner", "explicit").equals("explicit"),
                given.getOrDefault("shape", "full"),
                Long.parseLong(given.getOrDefault("since", "0")),
                given.getOrDefault("protocol", "classic"),
                given.get("group"),
                given.getOrDefault("assignor", "default").equals("cooperative"),
                given.get("instance"),
                Integer.parseInt(given.getOrDefault("session-ms", "6000")),
                given.get("pattern"),
                Integer.parseInt(given.getOrDefault("pace", "0")));
    }

    /** Records that belong to a partition when record i goes to partition i modulo the partitions. */
    int length(int partition) {
        return (count - partition + partitions - 1) / partitions;
    }
}
