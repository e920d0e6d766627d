package tools;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Kafka Connect, standalone: a file becomes a topic becomes a file, and the worker is restarted in the middle. */
final class FileToFile {
    private static final int LINES = 20_000;

    private final String bootstrap;
    private final String topic;
    private final Path folder;
    private final Path from;
    private final Path to;
    private int written;

    FileToFile(String bootstrap, String prefix, String folder) {
        this.bootstrap = bootstrap;
        this.topic = prefix + "-file";
        this.folder = Path.of(folder);
        this.from = this.folder.resolve("from.txt");
        this.to = this.folder.resolve("to.txt");
    }

    void run(Check check) throws Exception {
        configure();
        append(LINES);
        Process first = start("first");
        try {
            String begun = "the first worker has begun: " + log("first");
            check.until(begun, 60, () -> Files.exists(to) && Files.size(to) > 0);
            append(LINES);
            first.destroy();
            check.same("the first worker ended in time", true, first.waitFor(60, TimeUnit.SECONDS));
        } finally {
            first.destroyForcibly();
        }
        append(LINES);
        Process second = start("second");
        try {
            check.until("the second worker: " + log("second"), 60, () -> Files.size(to) >= Files.size(from));
            append(LINES);
            check.until("while it runs", 60, () -> Files.size(to) >= Files.size(from));
            second.destroy();
            check.same("the second worker ended in time", true, second.waitFor(60, TimeUnit.SECONDS));
        } finally {
            second.destroyForcibly();
        }
        check.same("the first byte that differs", -1L, Files.mismatch(from, to));
        check.same("lines", 4L * LINES, (long) Files.readAllLines(to).size());
    }

    private Path log(String name) {
        return folder.resolve(name + ".log");
    }

    /** In ASCII: the source counts characters, and goes on at that many bytes. */
    private void append(int lines) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < lines; i++) {
            text.append("line ").append(written++).append(" of a file\n");
        }
        Files.writeString(from, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private void configure() throws IOException {
        String converter = "org.apache.kafka.connect.storage.StringConverter";
        Files.writeString(folder.resolve("worker.properties"), String.join("\n",
                "bootstrap.servers=" + bootstrap,
                "key.converter=" + converter,
                "value.converter=" + converter,
                "offset.storage.file.filename=" + folder.resolve("offsets"),
                "offset.flush.interval.ms=500",
                // A task that is not given the time it needs to end tells its last lines again.
                "offset.flush.timeout.ms=30000",
                "task.shutdown.graceful.timeout.ms=30000",
                "plugin.discovery=service_load",
                "listeners=http://127.0.0.1:0",
                "consumer.auto.offset.reset=earliest",
                ""), UTF_8);
        Files.writeString(folder.resolve("source.properties"), String.join("\n",
                "name=" + topic + "-source",
                "connector.class=FileStreamSource",
                "tasks.max=1",
                "file=" + from,
                "topic=" + topic,
                ""), UTF_8);
        Files.writeString(folder.resolve("sink.properties"), String.join("\n",
                "name=" + topic + "-sink",
                "connector.class=FileStreamSink",
                "tasks.max=1",
                "file=" + to,
                "topics=" + topic,
                ""), UTF_8);
    }

    private Process start(String name) throws IOException {
        List<String> command = new ArrayList<>();
        command.addAll(List.of("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"));
        command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add("org.apache.kafka.connect.cli.ConnectStandalone");
        for (String file : List.of("worker", "source", "sink")) {
            command.add(folder.resolve(file + ".properties").toString());
        }
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log(name).toFile()).start();
    }
}
