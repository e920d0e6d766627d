package tools;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** kafka-consumer-groups, for groups with members of each protocol, and for one that nobody is in. */
final class GroupTools {
    private static final String TOOL = "consumer.group.ConsumerGroupCommand";
    /** In four partitions. */
    private static final long RECORDS = 150;

    private final String bootstrap;
    private final Commands commands;
    private final String topic;
    private final String group;
    private final Path folder;

    /** Of the topic the group has read all. */
    GroupTools(String bootstrap, Commands commands, String topic, String group, Path folder) {
        this.bootstrap = bootstrap;
        this.commands = commands;
        this.topic = topic;
        this.group = group;
        this.folder = folder;
    }

    void run(Check check) throws Exception {
        described(check);
        resets(check);
        deletions(check);
        living(check, "classic", "range", "-");
        living(check, "consumer", "uniform", "1");
    }

    private void described(Check check) throws Exception {
        check.found("listed", "^" + group + "$", commands.well(check, TOOL, "--list"));
        check.found("with its state", "^" + group + "\\s+Empty\\s*$", commands.well(check, TOOL, "--list", "--state"));
        check.found("with its type", "^" + group + "\\s+Classic\\s*$", commands.well(check, TOOL, "--list", "--type"));
        check.same("lag", 0L, lag(check));
        String state = describe(check, group, "--state");
        check.found("its state", "^" + group + "\\s+\\S+:\\d+\\s+\\(\\d+\\).*Empty\\s+0", state);
        check.found("members", "has no active members", describe(check, group, "--members"));
    }

    private void resets(Check check) throws Exception {
        String planned = reset(check, "--dry-run", "--topic", topic, "--to-earliest");
        check.found("planned", group + "\\s+" + topic + "\\s+0\\s+0", planned);
        check.same("lag after the dry run", 0L, lag(check));
        reset(check, "--execute", "--topic", topic, "--to-earliest");
        check.same("lag from the earliest", RECORDS, lag(check));
        reset(check, "--execute", "--topic", topic + ":0", "--shift-by", "3");
        check.same("lag after a shift", RECORDS - 3, lag(check));
        reset(check, "--execute", "--topic", topic, "--to-datetime", "2020-01-01T00:00:00.000");
        check.same("lag from 2020", RECORDS, lag(check));
        reset(check, "--execute", "--topic", topic, "--by-duration", "PT0S");
        check.same("lag of what comes from now on", 0L, lag(check));
        reset(check, "--execute", "--topic", topic, "--by-duration", "P1D");
        check.same("lag of a day", RECORDS, lag(check));
        reset(check, "--execute", "--topic", topic + ":0", "--to-offset", "2");
        check.same("lag from an offset", RECORDS - 2, lag(check));
        reset(check, "--execute", "--topic", topic + ":0", "--to-current");
        check.same("lag from where it was", RECORDS - 2, lag(check));

        String exported = reset(check, "--export", "--topic", topic, "--to-current");
        String plan = exported.lines().filter(line -> line.contains(topic)).collect(Collectors.joining("\n", "", "\n"));
        check.same("exported", 4L, plan.lines().count());
        check.found("exported of partition 0", "^\"?" + topic + "\"?,0,2$", plan);
        reset(check, "--execute", "--all-topics", "--to-latest");
        check.same("lag from the latest", 0L, lag(check));
        Path file = Files.writeString(folder.resolve("plan.csv"), plan);
        reset(check, "--execute", "--from-file", file.toString());
        check.same("lag as it was exported", RECORDS - 2, lag(check));
        Files.writeString(file, topic + ",0,1\n" + topic + ",1,2\n");
        reset(check, "--execute", "--from-file", file.toString());
        check.same("lag as in the file", RECORDS - 3, lag(check));

        String beyond = reset(check, "--execute", "--topic", topic + ":0", "--to-offset", "1000000");
        check.found("beyond the end", "New offset \\(1000000\\) is higher than latest offset", beyond);
        check.absent("beyond the end", "1000000$", describe(check, group, "--offsets"));
    }

    private void deletions(Check check) throws Exception {
        String removed = commands.well(check, TOOL, "--delete-offsets", "--group", group, "--topic", topic + ":0");
        check.found("offsets deleted", topic + "\\s+0\\s+Successful", removed);
        deleted(check, group);
        Shell.Outcome absent = commands.call(TOOL, "", "--delete", "--group", group);
        check.found("deleted twice", "GroupIdNotFoundException", absent.text());
    }

    private void deleted(Check check, String name) throws Exception {
        String deleted = commands.well(check, TOOL, "--delete", "--group", name);
        check.found("deleted", "Deletion of requested consumer groups \\('" + name + "'\\) was successful", deleted);
        check.absent("not listed", "^" + name + "$", commands.well(check, TOOL, "--list"));
    }

    /** A group with one member, which has all of the topic. */
    private void living(Check check, String protocol, String assignor, String epoch) throws Exception {
        String name = group + "-" + protocol;
        try (var member = new Member(name, protocol)) {
            String one = "^" + name + "\\s+(\\S+)\\s+/\\S+\\s+live-" + protocol + "\\s+4\\s*$";
            check.until("a member is described", 30, () -> {
                check.same("the member lives", true, member.lives());
                return Pattern.compile(one, Pattern.MULTILINE).matcher(describe(check, name, "--members")).find();
            });
            String state = describe(check, name, "--state");
            String line = "^" + name + "\\s+\\S+:\\d+\\s+\\(\\d+\\)\\s+" + assignor + "\\s+Stable\\s+1\\s*$";
            check.found("its state", line, state);
            String all = topic + ":0,1,2,3";
            String target = epoch.equals("-") ? epoch : all;
            String verbose = String.join("\\s+", "live-" + protocol, "4", epoch, all, epoch, target);
            check.found("what it has", verbose + "\\s*$", describe(check, name, "--members", "--verbose"));
            line = String.join("\\s+", assignor, "Stable", epoch, epoch, "1");
            check.found("the group's epoch", line + "\\s*$", describe(check, name, "--state", "--verbose"));
            line = String.join("\\s+", name, topic, "0", ".*", "/\\S+", "live-" + protocol);
            check.found("who has a partition", "^" + line + "\\s*$", describe(check, name, "--offsets"));
            String type = protocol.substring(0, 1).toUpperCase() + protocol.substring(1);
            String listed = commands.well(check, TOOL, "--list", "--type", protocol);
            check.found("listed by its type", "^" + name + "\\s+" + type + "\\s*$", listed);
            listed = commands.well(check, TOOL, "--list", "--state", "stable");
            check.found("listed by its state", "^" + name + "\\s+Stable\\s*$", listed);
            String[] start = {"--reset-offsets", "--group", name, "--all-topics", "--to-earliest", "--execute"};
            Shell.Outcome busy = commands.call(TOOL, "", start);
            check.found("a living group is not reset", "current state is Stable", busy.text());
            busy = commands.call(TOOL, "", "--delete", "--group", name);
            check.found("a living group is not deleted", "GroupNotEmptyException", busy.text());
        }
        check.until("it is empty", 30, () -> describe(check, name, "--state").contains("Empty"));
        deleted(check, name);
    }

    private final class Member implements AutoCloseable {
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final Thread reading;
        private volatile RuntimeException failure;

        Member(String name, String protocol) {
            Map<String, Object> config = Map.of(
                    "bootstrap.servers", bootstrap,
                    "client.id", "live-" + protocol,
                    "group.id", name,
                    "group.protocol", protocol,
                    "auto.offset.reset", "earliest",
                    "auto.commit.interval.ms", 100);
            consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            reading = new Thread(this::read);
            reading.start();
        }

        private void read() {
            try (consumer) {
                consumer.subscribe(List.of(topic));
                while (true) {
                    consumer.poll(Duration.ofMillis(100));
                }
            } catch (WakeupException asked) {
                // It was closed.
            } catch (RuntimeException error) {
                failure = error;
            }
        }

        boolean lives() {
            if (failure != null) {
                throw failure;
            }
            return reading.isAlive();
        }

        @Override
        public void close() {
            consumer.wakeup();
            try {
                reading.join();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private String describe(Check check, String name, String... what) throws Exception {
        List<String> all = new ArrayList<>(List.of("--describe", "--group", name));
        all.addAll(List.of(what));
        return commands.well(check, TOOL, all.toArray(new String[0]));
    }

    private String reset(Check check, String mode, String... how) throws Exception {
        List<String> all = new ArrayList<>(List.of("--reset-offsets", "--group", group, mode));
        all.addAll(List.of(how));
        return commands.well(check, TOOL, all.toArray(new String[0]));
    }

    private long lag(Check check) throws Exception {
        return describe(check, group, "--offsets").lines()
                .map(line -> line.trim().split("\\s+"))
                .filter(words -> words.length > 5 && words[0].equals(group) && !words[5].equals("-"))
                .mapToLong(words -> Long.parseLong(words[5]))
                .sum();
    }
}
