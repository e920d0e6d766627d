package tools;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Kafka's command lines: each does what it says, and says what it did. */
final class Tools {
    private static final String PACKAGE = "org.apache.kafka.tools.";

    private final String bootstrap;
    private final String topic;
    private final String numbers;
    private final String group;
    private final Path folder;

    Tools(String bootstrap, String prefix, String folder) {
        this.bootstrap = bootstrap;
        this.topic = prefix + "-lines";
        this.numbers = prefix + "-numbers";
        this.group = prefix + "-readers";
        this.folder = Path.of(folder);
    }

    void run() {
        Shell.take();
        Main.report("kafka-broker-api-versions", this::apiVersions);
        Main.report("kafka-topics", this::topics);
        Main.report("kafka-configs", this::configs);
        Main.report("kafka-console-producer", this::consoleProducer);
        Main.report("kafka-console-consumer", this::consoleConsumer);
        Main.report("kafka-consumer-groups", this::groups);
        Main.report("kafka-producer-perf-test", this::producerPerformance);
        Main.report("kafka-consumer-perf-test", this::consumerPerformance);
        Main.report("kafka-get-offsets", this::offsets);
        Main.report("kafka-delete-records", this::deleteRecords);
        Main.report("kafka-log-dirs", this::logDirs);
        Main.report("kafka-topics --delete", this::deletion);
    }

    private Shell.Outcome call(String tool, String input, String... arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of("--bootstrap-server", bootstrap));
        all.addAll(List.of(arguments));
        return Shell.run(tool.contains(".admin.") ? tool : PACKAGE + tool, input, all);
    }

    /** What the tool printed; it must end well. */
    private String well(Check check, String tool, String... arguments) throws Exception {
        Shell.Outcome outcome = call(tool, "", arguments);
        if (outcome.code() != 0) {
            throw new AssertionError(tool + " " + List.of(arguments) + " ended with " + outcome);
        }
        check.same(tool + "'s exit code", 0, outcome.code());
        return outcome.text();
    }

    private void apiVersions(Check check) throws Exception {
        String text = well(check, "BrokerApiVersionsCommand");
        String address = bootstrap.replace(".", "\\.");
        check.found("the broker", address + " \\(id: \\d+ rack: \\S+ isFenced: false\\) -> \\(", text);
        for (String api : List.of("Produce\\(0\\): 0", "Fetch\\(1\\): 4", "ApiVersions\\(18\\): 0")) {
            check.found("an API", "^\\s" + api + " to \\d+ \\[usable: \\d+\\]", text);
        }
    }

    private void topics(Check check) throws Exception {
        String tool = "TopicCommand";
        String[] wanted = {"--create", "--topic", topic, "--partitions", "3", "--config", "retention.ms=-1"};
        String made = well(check, tool, wanted);
        check.found("created", "^Created topic " + topic + "\\.$", made);
        Shell.Outcome again = call(tool, "", "--create", "--topic", topic);
        check.same("made again: exit code", 1, again.code());
        check.found("made again", "(?i)" + topic + "'? (already exists|exists already)", again.text());
        well(check, tool, "--create", "--topic", topic, "--if-not-exists");
        well(check, tool, "--create", "--topic", numbers, "--partitions", "2");
        check.found("listed", "^" + topic + "$", well(check, tool, "--list"));
        check.found("listed beside it", "^" + numbers + "$", well(check, tool, "--list"));
        String described = well(check, tool, "--describe", "--topic", topic);
        String settings = "PartitionCount: 3\\s+ReplicationFactor: 1\\s+Configs: .*retention\\.ms=-1";
        check.found("described", settings, described);
        for (int index = 0; index < 3; index++) {
            String line = "Partition: " + index + "\\s+Leader: (\\d+)\\s+Replicas: \\1\\s+Isr: \\1";
            check.found("partition " + index, line, described);
        }
        well(check, tool, "--alter", "--topic", topic, "--partitions", "4");
        check.found("grown", "PartitionCount: 4", well(check, tool, "--describe", "--topic", topic));
        Shell.Outcome fewer = call(tool, "", "--alter", "--topic", topic, "--partitions", "2");
        check.same("fewer partitions: exit code", 1, fewer.code());
        Shell.Outcome absent = call(tool, "", "--describe", "--topic", topic + "-absent");
        check.found("an unknown topic", "does not exist as expected", absent.text());
        String lagging = well(check, tool, "--describe", "--under-replicated-partitions");
        check.absent("none is under-replicated", "Partition:", lagging);
    }

    private void configs(Check check) throws Exception {
        String tool = "kafka.admin.ConfigCommand";
        String source = "sensitive=false synonyms=\\{DYNAMIC_TOPIC_CONFIG:";
        String described = well(check, tool, "--describe", "--topic", topic);
        check.found("as made", "retention\\.ms=-1 " + source + "retention\\.ms=-1", described);
        String changed = well(check, tool, "--alter", "--topic", topic, "--add-config", "max.message.bytes=70000");
        check.found("changed", "^Completed updating config for topic " + topic + "\\.$", changed);
        described = well(check, tool, "--describe", "--topic", topic);
        check.found("as changed", "max\\.message\\.bytes=70000 " + source + "max\\.message\\.bytes=70000", described);
        check.found("what was not named stays", "retention\\.ms=-1", described);
        well(check, tool, "--alter", "--topic", topic, "--delete-config", "max.message.bytes");
        described = well(check, tool, "--describe", "--topic", topic);
        check.absent("deleted", "max\\.message\\.bytes", described);
        String all = well(check, tool, "--describe", "--all", "--topic", topic);
        check.found("a default", "segment\\.bytes=1073741824 sensitive=false synonyms=\\{DEFAULT_CONFIG:", all);
        Shell.Outcome wrong = call(tool, "", "--alter", "--topic", topic, "--add-config", "no.such.setting=1");
        check.same("an unknown setting: exit code", 1, wrong.code());
        check.found("an unknown setting", "no\\.such\\.setting", wrong.text());
        Shell.Outcome bad = call(tool, "", "--alter", "--topic", topic, "--add-config", "retention.ms=long");
        check.same("a bad value: exit code", 1, bad.code());
    }

    private static String lines(int from, int until) {
        var made = IntStream.range(from, until).mapToObj(i -> "key" + i + ":value " + i + "\n");
        return made.collect(Collectors.joining());
    }

    private void consoleProducer(Check check) throws Exception {
        String[] how = {"--topic", topic, "--reader-property", "parse.key=true", "--reader-property",
            "key.separator=:"};
        check.same("exit code", 0, call("ConsoleProducer", lines(0, 100), how).code());
        String[] more = {"--topic", topic, "--reader-property", "parse.key=true", "--reader-property",
            "key.separator=:", "--compression-codec", "zstd", "--request-required-acks", "1"};
        check.same("exit code, zstd", 0, call("ConsoleProducer", lines(100, 150), more).code());
    }

    private void consoleConsumer(Check check) throws Exception {
        String tool = "consumer.ConsoleConsumer";
        String text = well(check, tool, "--topic", topic, "--group", group, "--from-beginning", "--max-messages", "150",
                "--timeout-ms", "20000", "--formatter-property", "print.key=true", "--formatter-property",
                "key.separator=:", "--command-property", "auto.commit.interval.ms=100");
        List<String> wanted = lines(0, 150).lines().sorted().toList();
        check.same("lines", wanted, text.lines().filter(line -> line.startsWith("key")).sorted().toList());
        check.found("its count", "Processed a total of 150 messages", text);
        text = well(check, tool, "--topic", topic, "--partition", "0", "--offset", "0", "--max-messages", "1",
                "--timeout-ms", "20000", "--formatter-property", "print.offset=true", "--formatter-property",
                "print.partition=true");
        check.found("one of partition 0", "^Partition:0\\s+Offset:0\\s+value \\d+$", text);
    }

    private void groups(Check check) throws Exception {
        String tool = "consumer.group.ConsumerGroupCommand";
        check.found("listed", "^" + group + "$", well(check, tool, "--list"));
        check.found("with its state", "^" + group + "\\s+Empty\\s*$", well(check, tool, "--list", "--state"));
        check.found("with its type", "^" + group + "\\s+Classic\\s*$", well(check, tool, "--list", "--type"));
        check.same("lag", 0L, lag(check));
        String state = well(check, tool, "--describe", "--group", group, "--state");
        check.found("its state", "^" + group + "\\s+\\S+:\\d+\\s+\\(\\d+\\).*Empty\\s+0", state);
        check.found("members", "has no active members", well(check, tool, "--describe", "--group", group, "--members"));
        String[] earliest = {"--reset-offsets", "--group", group, "--topic", topic, "--to-earliest"};
        String planned = reset(check, earliest, "--dry-run");
        check.found("planned", group + "\\s+" + topic + "\\s+0\\s+0", planned);
        check.same("lag after the dry run", 0L, lag(check));
        reset(check, earliest, "--execute");
        check.same("lag from the earliest", 150L, lag(check));
        String[] shifted = {"--reset-offsets", "--group", group, "--topic", topic + ":0", "--shift-by", "3"};
        reset(check, shifted, "--execute");
        check.same("lag after a shift", 147L, lag(check));
        String[] timed = {"--reset-offsets", "--group", group, "--topic", topic, "--to-datetime",
            "2020-01-01T00:00:00.000"};
        reset(check, timed, "--execute");
        check.same("lag from 2020", 150L, lag(check));
        Path plan = folder.resolve("plan.csv");
        Files.writeString(plan, topic + ",0,1\n" + topic + ",1,2\n");
        reset(check, new String[] {"--reset-offsets", "--group", group, "--from-file", plan.toString()}, "--execute");
        check.same("lag as in the file", 147L, lag(check));
        reset(check, new String[] {"--reset-offsets", "--group", group, "--all-topics", "--to-latest"}, "--execute");
        check.same("lag from the latest", 0L, lag(check));
        String removed = well(check, tool, "--delete-offsets", "--group", group, "--topic", topic + ":0");
        check.found("offsets deleted", topic + "\\s+0\\s+Successful", removed);
        String deleted = well(check, tool, "--delete", "--group", group);
        check.found("deleted", "Deletion of requested consumer groups \\('" + group + "'\\) was successful", deleted);
        check.absent("not listed", group, well(check, tool, "--list"));
        Shell.Outcome absent = call(tool, "", "--delete", "--group", group);
        check.found("deleted twice", "GroupIdNotFoundException", absent.text());
    }

    private String reset(Check check, String[] arguments, String mode) throws Exception {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add(mode);
        return well(check, "consumer.group.ConsumerGroupCommand", all.toArray(new String[0]));
    }

    private long lag(Check check) throws Exception {
        String text = well(check, "consumer.group.ConsumerGroupCommand", "--describe", "--group", group, "--offsets");
        return text.lines()
                .map(line -> line.trim().split("\\s+"))
                .filter(words -> words.length > 5 && words[0].equals(group) && !words[5].equals("-"))
                .mapToLong(words -> Long.parseLong(words[5]))
                .sum();
    }

    private void producerPerformance(Check check) throws Exception {
        String text = well(check, "ProducerPerformance", "--topic", numbers, "--num-records", "20000", "--record-size",
                "200", "--throughput", "-1", "--command-property", "compression.type=lz4");
        check.found("all are sent", "^20000 records sent, .* records/sec .* 99th", text);
    }

    private void consumerPerformance(Check check) throws Exception {
        String text = well(check, "ConsumerPerformance", "--topic", numbers, "--num-records", "20000", "--timeout",
                "20000");
        check.found("all are read", "^[^,]+, [^,]+, [\\d.]+, [\\d.]+, 20000, ", text);
    }

    private long offsets(Check check, String time) throws Exception {
        String text = well(check, "GetOffsetShell", "--topic", numbers, "--time", time);
        return text.lines().filter(line -> line.startsWith(numbers + ":"))
                .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(':') + 1))).sum();
    }

    private void offsets(Check check) throws Exception {
        check.same("latest", 20000L, offsets(check, "-1"));
        check.same("earliest", 0L, offsets(check, "earliest"));
        check.same("of the largest timestamp is one of them", true, offsets(check, "max-timestamp") > 0);
        String one = well(check, "GetOffsetShell", "--topic-partitions", numbers + ":1", "--time", "earliest");
        check.found("of one partition", "^" + numbers + ":1:0$", one);
    }

    private void deleteRecords(Check check) throws Exception {
        Path plan = folder.resolve("delete.json");
        String entry = "{\"topic\": \"" + numbers + "\", \"partition\": 0, \"offset\": 100}";
        Files.writeString(plan, "{\"partitions\": [" + entry + "], \"version\": 1}");
        String text = well(check, "DeleteRecordsCommand", "--offset-json-file", plan.toString());
        check.found("the new start", "partition: " + numbers + "-0\\s+low_watermark: 100", text);
        check.same("earliest", 100L, offsets(check, "-2"));
        check.same("latest", 20000L, offsets(check, "-1"));
    }

    private void logDirs(Check check) throws Exception {
        String text = well(check, "LogDirsCommand", "--describe", "--topic-list", numbers);
        check.found("a folder", "\"logDirs\":\\[\\{.*\"error\":null", text);
        check.found("a partition", "\"partition\":\"" + numbers + "-0\"", text);
        check.found("its size", "\"size\":[1-9]\\d*", text);
    }

    private void deletion(Check check) throws Exception {
        well(check, "TopicCommand", "--delete", "--topic", topic);
        well(check, "TopicCommand", "--delete", "--topic", numbers);
        check.until("gone", 10, () -> {
            String listed = call("TopicCommand", "", "--list").text();
            return !listed.contains(topic) && !listed.contains(numbers);
        });
    }
}
