package tools;

import java.util.ArrayList;
import java.util.List;

/** kafka-configs, for topics, a broker, all brokers, and groups. */
final class ConfigTools {
    private static final String TOOL = "kafka.admin.ConfigCommand";

    private final Commands commands;
    private final String topic;
    private final String other;

    /** The other topic has no settings of its own. */
    ConfigTools(Commands commands, String topic, String other) {
        this.commands = commands;
        this.topic = topic;
        this.other = other;
    }

    void run(Check check) throws Exception {
        topics(check);
        brokers(check);
        groups(check);
    }

    private void topics(Check check) throws Exception {
        String source = "sensitive=false synonyms=\\{DYNAMIC_TOPIC_CONFIG:";
        String described = commands.well(check, TOOL, "--describe", "--topic", topic);
        check.found("as made", "retention\\.ms=-1 " + source + "retention\\.ms=-1", described);
        String[] larger = {"--alter", "--topic", topic, "--add-config", "max.message.bytes=70000"};
        String changed = commands.well(check, TOOL, larger);
        check.found("changed", "^Completed updating config for topic " + topic + "\\.$", changed);
        described = commands.well(check, TOOL, "--describe", "--topic", topic);
        check.found("as changed", "max\\.message\\.bytes=70000 " + source + "max\\.message\\.bytes=70000", described);
        check.found("what was not named stays", "retention\\.ms=-1", described);
        commands.well(check, TOOL, "--alter", "--topic", topic, "--delete-config", "max.message.bytes");
        described = commands.well(check, TOOL, "--describe", "--topic", topic);
        check.absent("deleted", "max\\.message\\.bytes", described);
        String all = commands.well(check, TOOL, "--describe", "--all", "--topic", topic);
        check.found("a default", "segment\\.bytes=1073741824 sensitive=false synonyms=\\{DEFAULT_CONFIG:", all);
        Shell.Outcome wrong = commands.call(TOOL, "", "--alter", "--topic", topic, "--add-config", "no.such.setting=1");
        check.same("an unknown setting: exit code", 1, wrong.code());
        check.found("an unknown setting", "no\\.such\\.setting", wrong.text());
        Shell.Outcome bad = commands.call(TOOL, "", "--alter", "--topic", topic, "--add-config", "retention.ms=long");
        check.same("a bad value: exit code", 1, bad.code());
    }

    private void brokers(Check check) throws Exception {
        String listed = commands.well(check, "BrokerApiVersionsCommand");
        String id = check.found("the broker's id", "\\(id: (\\d+) rack: ", listed).group(1);
        String[] one = {"--entity-type", "brokers", "--entity-name", id};
        String[] all = {"--entity-type", "brokers", "--entity-default"};
        String ours = "DYNAMIC_BROKER_CONFIG:message\\.max\\.bytes=900000";
        String everyones = "DYNAMIC_DEFAULT_BROKER_CONFIG:message\\.max\\.bytes=950000";
        String usual = "DEFAULT_CONFIG:message\\.max\\.bytes=1048588\\}";

        String changed = alter(check, all, "--add-config", "message.max.bytes=950000");
        check.found("all changed", "^Completed updating default config for brokers in the cluster\\.$", changed);
        changed = alter(check, one, "--add-config", "message.max.bytes=900000");
        check.found("one changed", "^Completed updating config for broker " + id + "\\.$", changed);
        String described = describe(check, one);
        check.found("of one", "^Dynamic configs for broker " + id + " are:$", described);
        String whole = ours + ", " + everyones + ", " + usual;
        check.found("as changed", "message\\.max\\.bytes=900000 sensitive=false synonyms=\\{" + whole, described);
        described = describe(check, all);
        check.found("of all", "^Default configs for brokers in the cluster are:$", described);
        String theirs = "message\\.max\\.bytes=950000 sensitive=false synonyms=\\{" + everyones + "\\}";
        check.found("of all as changed", theirs, described);
        String[] inForce = {"--entity-type", "topics", "--entity-name", other, "--all"};
        check.found("a topic has it", "max\\.message\\.bytes=900000 .*\\{" + whole, describe(check, inForce));
        alter(check, one, "--delete-config", "message.max.bytes");
        check.absent("deleted of one", "message\\.max\\.bytes=900000", describe(check, one));
        String left = "max\\.message\\.bytes=950000 .*\\{" + everyones + ", " + usual;
        check.found("a topic has that of all", left, describe(check, inForce));
        alter(check, all, "--delete-config", "message.max.bytes");
        check.absent("deleted of all", "message\\.max\\.bytes", describe(check, all));
        check.found("a topic has the usual one", "max\\.message\\.bytes=1048588 ", describe(check, inForce));

        String[] everything = {"--entity-type", "brokers", "--entity-name", id, "--all"};
        described = describe(check, everything);
        check.found("all there are", "^All configs for broker " + id + " are:$", described);
        check.found("one that was not changed", "^  log\\.retention\\.ms=\\S+ sensitive=false synonyms=", described);
        refused(check, "a bad value", "message\\.max\\.bytes", one, "message.max.bytes=long");
        refused(check, "what is read at start", "node\\.id", one, "node.id=7");
    }

    private void groups(Check check) throws Exception {
        String[] group = {"--entity-type", "groups", "--entity-name", topic + "-group"};
        String changed = alter(check, group, "--add-config", "consumer.session.timeout.ms=50000");
        check.found("a group's", "^Completed updating config for group " + topic + "-group\\.$", changed);
        String described = describe(check, group);
        String place = "\\{DYNAMIC_GROUP_CONFIG:consumer\\.session\\.timeout\\.ms=50000";
        String wanted = "consumer\\.session\\.timeout\\.ms=50000 sensitive=false synonyms=" + place;
        check.found("a group's as changed", wanted, described);
        check.absent("what was not changed", "consumer\\.heartbeat\\.interval\\.ms", described);
        String listed = describe(check, new String[] {"--entity-type", "groups"});
        check.found("groups that have any", "^Dynamic configs for group " + topic + "-group are:$", listed);
        String bad = "consumer.session.timeout.ms=1";
        refused(check, "a group's bad value", "consumer\\.session\\.timeout\\.ms", group, bad);
        refused(check, "a group's unknown setting", "no\\.such\\.setting", group, "no.such.setting=1");
        alter(check, group, "--delete-config", "consumer.session.timeout.ms");
        check.absent("a group's deleted", "consumer\\.session\\.timeout\\.ms", describe(check, group));
    }

    private String alter(Check check, String[] entity, String how, String setting) throws Exception {
        return commands.well(check, TOOL, joined(entity, "--alter", how, setting));
    }

    private String describe(Check check, String[] entity) throws Exception {
        return commands.well(check, TOOL, joined(entity, "--describe"));
    }

    private void refused(Check check, String what, String why, String[] entity, String setting) throws Exception {
        Shell.Outcome outcome = commands.call(TOOL, "", joined(entity, "--alter", "--add-config", setting));
        check.same(what + ": exit code", 1, outcome.code());
        check.found(what, why, outcome.text());
    }

    private static String[] joined(String[] entity, String... more) {
        List<String> all = new ArrayList<>(List.of(more));
        all.addAll(List.of(entity));
        return all.toArray(new String[0]);
    }
}
