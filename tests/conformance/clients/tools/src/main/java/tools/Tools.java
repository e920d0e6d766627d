package tools;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Kafka's command lines: each does what it says, and says what it did. */
final class Tools {
    private final String bootstrap;
    private final Commands commands;
    private final String topic;
    private final String numbers;
    private final String group;
    private final Path folder;

    Tools(String bootstrap, String prefix, String folder) {
        this.bootstrap = bootstrap;
        this.commands = new Commands(bootstrap);
        this.topic = prefix + "-lines";
        this.numbers = prefix + "-numbers";
        this.group = prefix + "-readers";
        this.folder = Path.of(folder);
    }

    void run() {
        Shell.take();
        Main.report("kafka-broker-api-versions", this::apiVersions);
        Main.report("kafka-topics", this::topics);
        Main.report("kafka-configs", new ConfigTools(commands, topic, numbers)::run);
        Main.report("kafka-console-producer", this::consoleProducer);
        Main.report("kafka-console-consumer", this::consoleConsumer);
        Main.report("kafka-consumer-groups", new GroupTools(bootstrap, commands, topic, group, folder)::run);
        Main.report("kafka-producer-perf-test", this::producerPerformance);
        Main.report("kafka-consumer-perf-test", this::consumerPerformance);
        Main.report("kafka-get-offsets", this::offsets);
        Main.report("kafka-delete-records", this::deleteRecords);
        Main.report("kafka-log-dirs", this::logDirs);
        Main.report("kafka-topics --delete", this::deletion);
    }

    private void apiVersions(Check check) throws Exception {
        String text = commands.well(check, "BrokerApiVersionsCommand");
        String address = bootstrap.replace(".", "\\.");
        check.found("the broker", address + " \\(id: \\d+ rack: \\S+ isFenced: false\\) -> \\(", text);
        for (String api : List.of("Produce\\(0\\): 0", "Fetch\\(1\\): 4", "ApiVersions\\(18\\): 0")) {
            check.found("an API", "^\\s" + api + " to \\d+ \\[usable: \\d+\\]", text);
        }
    }

    private void topics(Check check) throws Exception {
        String tool = "TopicCommand";
        String[] wanted = {"--create", "--topic", topic, "--partitions", "3", "--config", "retention.ms=-1"};
        String made = commands.well(check, tool, wanted);
        check.found("created", "^Created topic " + topic + "\\.$", made);
        Shell.Outcome again = commands.call(tool, "", "--create", "--topic", topic);
        check.same("made again: exit code", 1, again.code());
        check.found("made again", "(?i)" + topic + "'? (already exists|exists already)", again.text());
        commands.well(check, tool, "--create", "--topic", topic, "--if-not-exists");
        commands.well(check, tool, "--create", "--topic", numbers, "--partitions", "2");
        check.found("listed", "^" + topic + "$", commands.well(check, tool, "--list"));
        check.found("listed beside it", "^" + numbers + "$", commands.well(check, tool, "--list"));
        String described = commands.well(check, tool, "--describe", "--topic", topic);
        String settings = "PartitionCount: 3\\s+ReplicationFactor: 1\\s+Configs: .*retention\\.ms=-1";
        check.found("described", settings, described);
        for (int index = 0; index < 3; index++) {
            String line = "Partition: " + index + "\\s+Leader: (\\d+)\\s+Replicas: \\1\\s+Isr: \\1";
            check.found("partition " + index, line, described);
        }
        commands.well(check, tool, "--alter", "--topic", topic, "--partitions", "4");
        check.found("grown", "PartitionCount: 4", commands.well(check, tool, "--describe", "--topic", topic));
        Shell.Outcome fewer = commands.call(tool, "", "--alter", "--topic", topic, "--partitions", "2");
        check.same("fewer partitions: exit code", 1, fewer.code());
        Shell.Outcome absent = commands.call(tool, "", "--describe", "--topic", topic + "-absent");
        check.found("an unknown topic", "does not exist as expected", absent.text());
        String lagging = commands.well(check, tool, "--describe", "--under-replicated-partitions");
        check.absent("none is under-replicated", "Partition:", lagging);
    }

    private static String lines(int from, int until) {
        var made = IntStream.range(from, until).mapToObj(i -> "key" + i + ":value " + i + "\n");
        return made.collect(Collectors.joining());
    }

    private void consoleProducer(Check check) throws Exception {
        String[] how = {"--topic", topic, "--reader-property", "parse.key=true", "--reader-property",
            "key.separator=:"};
        check.same("exit code", 0, commands.call("ConsoleProducer", lines(0, 100), how).code());
        String[] more = {"--topic", topic, "--reader-property", "parse.key=true", "--reader-property",
            "key.separator=:", "--compression-codec", "zstd", "--request-required-acks", "1"};
        check.same("exit code, zstd", 0, commands.call("ConsoleProducer", lines(100, 150), more).code());
    }

    private void consoleConsumer(Check check) throws Exception {
        String tool = "consumer.ConsoleConsumer";
        String text = commands.well(check, tool, "--topic", topic, "--group", group, "--from-beginning",
                "--max-messages", "150", "--timeout-ms", "20000", "--formatter-property", "print.key=true", "--formatter-property",
                "key.separator=:", "--command-property", "auto.commit.interval.ms=100");
        List<String> wanted = lines(0, 150).lines().sorted().toList();
        check.same("lines", wanted, text.lines().filter(line -> line.startsWith("key")).sorted().toList());
        check.found("its count", "Processed a total of 150 messages", text);
        text = commands.well(check, tool, "--topic", topic, "--partition", "0", "--offset", "0", "--max-messages", "1",
                "--timeout-ms", "20000", "--formatter-property", "print.offset=true", "--formatter-property",
                "print.partition=true");
        check.found("one of partition 0", "^Partition:0\\s+Offset:0\\s+value \\d+$", text);
    }

    private void producerPerformance(Check check) throws Exception {
        String text = commands.well(check, "ProducerPerformance", "--topic", numbers, "--num-records", "20000",
                "--record-size", "200", "--throughput", "-1", "--command-property", "compression.type=lz4");
        check.found("all are sent", "^20000 records sent, .* records/sec .* 99th", text);
    }

    private void consumerPerformance(Check check) throws Exception {
        String text = commands.well(check, "ConsumerPerformance", "--topic", numbers, "--num-records", "20000",
                "--timeout", "20000");
        check.found("all are read", "^[^,]+, [^,]+, [\\d.]+, [\\d.]+, 20000, ", text);
    }

    private long offsets(Check check, String time) throws Exception {
        String text = commands.well(check, "GetOffsetShell", "--topic", numbers, "--time", time);
        return text.lines().filter(line -> line.startsWith(numbers + ":"))
                .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(':') + 1))).sum();
    }

    private void offsets(Check check) throws Exception {
        check.same("latest", 20000L, offsets(check, "-1"));
        check.same("earliest", 0L, offsets(check, "earliest"));
        check.same("of the largest timestamp is one of them", true, offsets(check, "max-timestamp") > 0);
        String one = commands.well(check, "GetOffsetShell", "--topic-partitions", numbers + ":1", "--time", "earliest");
        check.found("of one partition", "^" + numbers + ":1:0$", one);
    }

    private void deleteRecords(Check check) throws Exception {
        Path plan = folder.resolve("delete.json");
        String entry = "{\"topic\": \"" + numbers + "\", \"partition\": 0, \"offset\": 100}";
        Files.writeString(plan, "{\"partitions\": [" + entry + "], \"version\": 1}");
        String text = commands.well(check, "DeleteRecordsCommand", "--offset-json-file", plan.toString());
        check.found("the new start", "partition: " + numbers + "-0\\s+low_watermark: 100", text);
        check.same("earliest", 100L, offsets(check, "-2"));
        check.same("latest", 20000L, offsets(check, "-1"));
    }

    private void logDirs(Check check) throws Exception {
        String text = commands.well(check, "LogDirsCommand", "--describe", "--topic-list", numbers);
        check.found("a folder", "\"logDirs\":\\[\\{.*\"error\":null", text);
        check.found("a partition", "\"partition\":\"" + numbers + "-0\"", text);
        check.found("its size", "\"size\":[1-9]\\d*", text);
    }

    private void deletion(Check check) throws Exception {
        commands.well(check, "TopicCommand", "--delete", "--topic", topic);
        commands.well(check, "TopicCommand", "--delete", "--topic", numbers);
        check.until("gone", 10, () -> {
            String listed = commands.call("TopicCommand", "", "--list").text();
            return !listed.contains(topic) && !listed.contains(numbers);
        });
    }
}
