package conformance;

import static conformance.Difference.expect;

import conformance.Dataset.Item;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads a topic through a group: one consumer begins and leaves, two others share the rest. */
final class GroupPass {
    private static final Duration GROUP_MAX = Duration.ofSeconds(120);
    private static final Duration POLL = Duration.ofMillis(100);

    private final Options options;
    private final String name;
    private final int[] seen;
    private final long deadline = System.nanoTime() + GROUP_MAX.toNanos();

    GroupPass(Options options) {
        this.options = options;
        this.name = options.topic() + "-" + options.protocol();
        this.seen = new int[options.partitions()];
    }

    int run() throws Exception {
        try (var first = member()) {
            while (total() < options.count() / 2) {
                take(first);
            }
        }
        try (var one = member();
                var other = member();
                var admin = Admin.create(Map.of("bootstrap.servers", options.bootstrap()))) {
            boolean shared = false;
            while (total() < options.count() || !shared) {
                take(one);
                take(other);
                int half = options.partitions() / 2;
                shared = one.assignment().size() == half && other.assignment().size() == half;
            }
            expect("records", "of each partition", counts(), IntStream.of(seen).boxed().toList());
            expect("committed", "offsets", ends(), committed(admin));
            var described = admin.describeConsumerGroups(List.of(name)).all().get().get(name);
            expect("described", "members", 2, described.members().size());
            expect("described", "state", GroupState.STABLE, described.groupState());
            expect("described", "type", options.protocol(), described.type().toString().toLowerCase());
        }
        try (var admin = Admin.create(Map.of("bootstrap.servers", options.bootstrap()))) {
            expect("listed", "empty group", true, isListed(admin));
            admin.deleteConsumerGroups(List.of(name)).all().get();
            expect("listed", "deleted group", false, isListed(admin));
        }
        return total();
    }

    private KafkaConsumer<byte[], byte[]> member() {
        Map<String, Object> config = Map.of(
                "bootstrap.servers", options.bootstrap(),
                "group.id", name,
                "group.protocol", options.protocol(),
                "enable.auto.commit", false,
                "auto.offset.reset", "earliest",
                "fetch.max.wait.ms", 100,
                "max.poll.records", 500);
        var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(List.of(options.topic()));
        return consumer;
    }

    private void take(KafkaConsumer<byte[], byte[]> consumer) throws Difference {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
        for (ConsumerRecord<byte[], byte[]> record : records) {
            int offset = seen[record.partition()]++;
            String at = "partition " + record.partition() + " offset " + offset;
            Item item = Dataset.item(offset * options.partitions() + record.partition(), "full", false);
            expect(at, "offset", (long) offset, record.offset());
            expect(at, "key", item.key(), record.key());
            expect(at, "value", item.value(), record.value());
        }
        if (!records.isEmpty()) {
            consumer.commitSync();
        }
        if (System.nanoTime() > deadline) {
            throw new Difference("only " + IntStream.of(seen).boxed().toList() + " records per partition arrived");
        }
    }

    private Map<Integer, Long> committed(Admin admin) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> found =
                admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata().get();
        Map<Integer, Long> offsets = new HashMap<>();
        found.forEach((partition, offset) -> offsets.put(partition.partition(), offset.offset()));
        return offsets;
    }

    private boolean isListed(Admin admin) throws Exception {
        return admin.listGroups().all().get().stream().anyMatch(group -> group.groupId().equals(name));
    }

    private List<Integer> counts() {
        return IntStream.range(0, options.partitions()).map(options::length).boxed().toList();
    }

    private Map<Integer, Long> ends() {
        Map<Integer, Long> ends = new HashMap<>();
        IntStream.range(0, options.partitions()).forEach(index -> ends.put(index, (long) options.length(index)));
        return ends;
    }

    private int total() {
        return IntStream.of(seen).sum();
    }
}
