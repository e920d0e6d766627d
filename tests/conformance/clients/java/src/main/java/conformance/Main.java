package conformance;

import static conformance.Difference.expect;

import conformance.Dataset.Header;
import conformance.Dataset.Item;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Apache Kafka's own clients. */
public final class Main {
    private static final Duration CONSUME_MAX = Duration.ofSeconds(120);

    private Main() {}

    /** Runs the mode that was asked for and prints one line about it. */
    public static void main(String[] arguments) throws IOException {
        Options options = Options.parse(arguments);
        if (options.mode().equals("member")) {
            // No exit: it would wait for the hook that waits for this thread.
            Runtime.getRuntime().halt(new MemberPass(options).run());
        }
        long started = System.nanoTime();
        int records = 0;
        String result = "ok";
        try {
            records = switch (options.mode()) {
                case "produce" -> produce(options);
                case "consume" -> consume(options);
                case "group" -> new GroupPass(options).run();
                case "admin" -> new AdminPass(options).run();
                case "alter" -> new AlterPass(options).run();
                default -> throw new IllegalArgumentException("no such mode: " + options.mode());
            };
        } catch (Exception error) {
            error.printStackTrace();
            result = "FAILED difference=\"" + error.toString().replace('\n', ' ').replace('"', '\'') + "\"";
        }
        double seconds = (System.nanoTime() - started) / 1e9;
        System.out.printf(
                Locale.ROOT,
                "client=java version=%s mode=%s codec=%s topic=%s records=%d seconds=%.2f result=%s%n",
                version(),
                options.mode(),
                options.codec(),
                options.topic(),
                records,
                seconds,
                result);
        System.exit(result.equals("ok") ? 0 : 1);
    }

    private static String version() throws IOException {
        Properties properties = new Properties();
        try (InputStream resource = KafkaProducer.class.getResourceAsStream("/kafka/kafka-version.properties")) {
            properties.load(resource);
        }
        return properties.getProperty("version");
    }

    private static int produce(Options options) throws Exception {
        Map<String, Object> config = Map.of(
                "bootstrap.servers", options.bootstrap(),
                "acks", options.acks(),
                "enable.idempotence", options.idempotent(),
                "compression.type", options.codec(),
                "batch.size", 65536);
        AtomicReference<Exception> failure = new AtomicReference<>();
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            long begun = System.nanoTime();
            for (int i = 0; i < options.count(); i++) {
                if (options.pace() > 0) {
                    long due = i * 1_000_000_000L / options.pace();
                    TimeUnit.NANOSECONDS.sleep(due - (System.nanoTime() - begun));
                }
                Item item = Dataset.item(i, "full", !options.explicit());
                Integer partition = options.explicit() ? i % options.partitions() : null;
                var record = new ProducerRecord<>(
                        options.topic(), partition, item.timestamp(), item.key(), item.value());
                for (Header header : item.headers()) {
                    record.headers().add(new RecordHeader(header.name(), header.value()));
                }
                producer.send(record, (metadata, error) -> failure.compareAndSet(null, error));
            }
            producer.flush();
        }
        if (failure.get() != null) {
            throw failure.get();
        }
        return options.count();
    }

    private static int consume(Options options) throws Difference {
        Map<String, Object> config = Map.of(
                "bootstrap.servers", options.bootstrap(),
                "enable.auto.commit", false,
                "auto.offset.reset", "none",
                "fetch.max.wait.ms", 100,
                "max.poll.records", 5000);
        List<TopicPartition> partitions = IntStream.range(0, options.partitions())
                .mapToObj(partition -> new TopicPartition(options.topic(), partition))
                .toList();
        int[] seen = new int[options.partitions()];
        long deadline = System.nanoTime() + CONSUME_MAX.toNanos();
        try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (IntStream.of(seen).sum() < options.count()) {
                if (System.nanoTime() > deadline) {
                    List<Integer> counts = IntStream.of(seen).boxed().toList();
                    throw new Difference("only " + counts + " records per partition arrived");
                }
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    check(record, seen[record.partition()]++, options);
                }
            }
            Map<TopicPartition, Long> beginnings = new HashMap<>();
            Map<TopicPartition, Long> ends = new HashMap<>();
            for (TopicPartition partition : partitions) {
                beginnings.put(partition, 0L);
                ends.put(partition, (long) options.length(partition.partition()));
            }
            expect("offsets", "earliest", beginnings, consumer.beginningOffsets(partitions));
            expect("offsets", "latest", ends, consumer.endOffsets(partitions));
        }
        return IntStream.of(seen).sum();
    }

    private static void check(ConsumerRecord<byte[], byte[]> found, int offset, Options options) throws Difference {
        Item item = Dataset.item(offset * options.partitions() + found.partition(), options.shape(), false);
        List<Header> headers = new ArrayList<>();
        found.headers().forEach(header -> headers.add(new Header(header.key(), header.value())));
        String at = "partition " + found.partition() + " offset " + offset;
        expect(at, "offset", (long) offset, found.offset());
        if (offset >= options.length(found.partition())) {
            throw new Difference(at + ": one record more than were produced");
        }
        expect(at, "key", item.key(), found.key());
        expect(at, "value", item.value(), found.value());
        expect(at, "timestamp type", TimestampType.CREATE_TIME, found.timestampType());
        if (item.timestamp() >= 0) {
            expect(at, "timestamp", item.timestamp(), found.timestamp());
        } else if (found.timestamp() < options.since() || found.timestamp() > System.currentTimeMillis() + 1000) {
            String range = "from " + options.since() + " to now";
            throw new Difference(at + ": timestamp: expected " + range + ", got " + found.timestamp());
        }
        expect(at, "headers", item.headers().size(), headers.size());
        for (int h = 0; h < headers.size(); h++) {
            expect(at, "header name", item.headers().get(h).name(), headers.get(h).name());
            expect(at, "header value", item.headers().get(h).value(), headers.get(h).value());
        }
        if (found.leaderEpoch().isEmpty()) {
            throw new Difference(at + ": no leader epoch");
        }
    }
}
