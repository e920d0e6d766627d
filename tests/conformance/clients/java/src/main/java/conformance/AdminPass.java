package conformance;

import static conformance.Dataset.FIRST_TIMESTAMP;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What is made is described as it was made, and each mistake has its error. */
final class AdminPass {
    private static final Map<String, String> CONFIG =
            Map.of("max.message.bytes", "65536", "retention.ms", "-1", "cleanup.policy", "delete");
    private static final Map<String, String> DEFAULTS =
            Map.of("segment.bytes", "1073741824", "compression.type", "producer");
    private static final List<String> NAMES = List.of(
            "flush.messages",
            "flush.ms",
            "message.timestamp.after.max.ms",
            "message.timestamp.before.max.ms",
            "message.timestamp.type",
            "min.insync.replicas",
            "retention.bytes");

    private final Options options;
    private final String topic;
    private final String absent;
    private int met;
    private Admin admin;

    AdminPass(Options options) {
        this.options = options;
        this.topic = options.topic() + "-made";
        this.absent = options.topic() + "-absent";
    }

    int run() throws Exception {
        try (Admin opened = Admin.create(Map.<String, Object>of("bootstrap.servers", options.bootstrap()))) {
            admin = opened;
            cluster();
            topics();
            configs();
            records();
            partitions();
            mistakes();
            deletion();
        }
        return met;
    }

    private void expect(String what, Object expected, Object actual) throws Difference {
        Difference.expect(topic, what, expected, actual);
        met++;
    }

    private void expectError(String what, Class<? extends Exception> error, Callable<?> action) throws Exception {
        try {
            action.call();
        } catch (ExecutionException wrapped) {
            expect(what, error, wrapped.getCause().getClass());
            return;
        }
        throw new Difference(what + ": expected " + error.getSimpleName() + ", but it succeeded");
    }

    /** Metadata spreads after the answer to the change: waits until it has. */
    private void settle(String what, Callable<Boolean> reached) throws Exception {
        for (int i = 0; i < 100; i++) {
            if (reached.call()) {
                met++;
                return;
            }
            Thread.sleep(100);
        }
        throw new Difference(what + ": not within 10 s");
    }

    private Uuid create(String name, int partitions, int replicas, Map<String, String> config) throws Exception {
        var result = admin.createTopics(List.of(new NewTopic(name, partitions, (short) replicas).configs(config)));
        result.all().get();
        expect(name + ": partitions made", partitions, result.numPartitions(name).get());
        return result.topicId(name).get();
    }

    private TopicDescription describe(String name) throws Exception {
        return admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
    }

    private boolean listed(String name) throws Exception {
        return admin.listTopics().names().get().contains(name);
    }

    private void cluster() throws Exception {
        var described = admin.describeCluster();
        Collection<Node> nodes = described.nodes().get();
        expect("the cluster has an id", false, described.clusterId().get().isEmpty());
        expect("the controller is one of the nodes", true, nodes.contains(described.controller().get()));
    }

    private void topics() throws Exception {
        Uuid id = create(topic, 3, 1, CONFIG);
        settle("the topic is listed", () -> listed(topic));
        TopicDescription described = describe(topic);
        expect("the topic's id", id, described.topicId());
        expect("the id is none that is reserved", false, Uuid.RESERVED.contains(id));
        expect("is internal", false, described.isInternal());
        List<Integer> numbers = described.partitions().stream().map(TopicPartitionInfo::partition).toList();
        expect("partitions", List.of(0, 1, 2), numbers);
        for (TopicPartitionInfo partition : described.partitions()) {
            expect("replicas", List.of(partition.leader()), partition.replicas());
            expect("in sync", partition.replicas(), partition.isr());
        }
        var byId = admin.describeTopics(org.apache.kafka.common.TopicCollection.ofTopicIds(List.of(id)));
        expect("name of the id", topic, byId.allTopicIds().get().get(id).name());
    }

    private Config describeConfigs(ConfigResource.Type type, String name) throws Exception {
        var resource = new ConfigResource(type, name);
        var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        return admin.describeConfigs(List.of(resource), options).all().get().get(resource);
    }

    private void configs() throws Exception {
        Config described = describeConfigs(ConfigResource.Type.TOPIC, topic);
        for (var wanted : CONFIG.entrySet()) {
            ConfigEntry entry = described.get(wanted.getKey());
            expect(entry.name(), wanted.getValue(), entry.value());
            expect(entry.name() + ": source", ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, entry.source());
            expect(entry.name() + ": is default", false, entry.isDefault());
        }
        for (var wanted : DEFAULTS.entrySet()) {
            ConfigEntry entry = described.get(wanted.getKey());
            expect(entry.name(), wanted.getValue(), entry.value());
            expect(entry.name() + ": source", ConfigEntry.ConfigSource.DEFAULT_CONFIG, entry.source());
            expect(entry.name() + ": is documented", false, entry.documentation().isEmpty());
        }
        for (String name : NAMES) {
            expect(name + " is described", true, described.get(name) != null);
        }
        expect("type", ConfigEntry.ConfigType.INT, described.get("max.message.bytes").type());
        String node = admin.describeCluster().nodes().get().iterator().next().idString();
        expect("the broker has settings", false, describeConfigs(ConfigResource.Type.BROKER, node).entries().isEmpty());
    }

    private KafkaProducer<byte[], byte[]> producer() {
        Map<String, Object> config =
                Map.of("bootstrap.servers", options.bootstrap(), "max.block.ms", 2000, "linger.ms", 50);
        return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** Ten records a second apart, the sixth of them dated last. */
    private void records() throws Exception {
        try (var producer = producer()) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                long moment = FIRST_TIMESTAMP + (i == 5 ? 100_000 : i * 1000);
                sent.add(producer.send(new ProducerRecord<>(topic, 0, moment, null, new byte[] {(byte) i})));
            }
            for (int i = 0; i < 10; i++) {
                expect("offset of record " + i, (long) i, sent.get(i).get().offset());
            }
            expectError("a record too large", RecordTooLargeException.class, () ->
                    producer.send(new ProducerRecord<>(topic, 0, null, new byte[70_000])).get());
            expectError("a partition that is not", TimeoutException.class, () ->
                    producer.send(new ProducerRecord<>(topic, 77, null, new byte[0])).get());
        }
        expect("earliest", 0L, offset(OffsetSpec.earliest(), 0).offset());
        expect("latest", 10L, offset(OffsetSpec.latest(), 0).offset());
        expect("latest when empty", 0L, offset(OffsetSpec.latest(), 1).offset());
        offsetAt("by an exact timestamp", OffsetSpec.forTimestamp(FIRST_TIMESTAMP + 3000), 3, 3000);
        offsetAt("by a timestamp between", OffsetSpec.forTimestamp(FIRST_TIMESTAMP + 3001), 4, 4000);
        offsetAt("by the last timestamp", OffsetSpec.forTimestamp(FIRST_TIMESTAMP + 9001), 5, 100_000);
        offsetAt("of the largest timestamp", OffsetSpec.maxTimestamp(), 5, 100_000);
        expect("by a later timestamp", -1L, offset(OffsetSpec.forTimestamp(FIRST_TIMESTAMP + 100_001), 0).offset());
        expect("of the largest timestamp when empty", -1L, offset(OffsetSpec.maxTimestamp(), 1).offset());
    }

    private ListOffsetsResultInfo offset(OffsetSpec spec, int partition) throws Exception {
        var where = new TopicPartition(topic, partition);
        return admin.listOffsets(Map.of(where, spec)).partitionResult(where).get();
    }

    private void offsetAt(String what, OffsetSpec spec, long offset, long after) throws Exception {
        ListOffsetsResultInfo found = offset(spec, 0);
        expect(what, List.of(offset, FIRST_TIMESTAMP + after), List.of(found.offset(), found.timestamp()));
        expect(what + ": has a leader epoch", true, found.leaderEpoch().orElse(-1) >= 0);
    }

    private Void grow(String name, int partitions) throws Exception {
        return admin.createPartitions(Map.of(name, NewPartitions.increaseTo(partitions))).all().get();
    }

    private void partitions() throws Exception {
        grow(topic, 5);
        settle("the topic has five partitions", () -> describe(topic).partitions().size() == 5);
        expectError("fewer partitions", InvalidPartitionsException.class, () -> grow(topic, 2));
        expectError("as many partitions", InvalidPartitionsException.class, () -> grow(topic, 5));
    }

    private void mistakes() throws Exception {
        expectError("a topic that exists", TopicExistsException.class, () -> create(topic, 3, 1, Map.of()));
        expectError("a bad name", InvalidTopicException.class, () -> create("bad/name", 3, 1, Map.of()));
        expectError("a name too long", InvalidTopicException.class, () -> create("n".repeat(250), 3, 1, Map.of()));
        expectError("no partitions", InvalidPartitionsException.class, () -> create(absent, 0, 1, Map.of()));
        Class<InvalidReplicationFactorException> replicas = InvalidReplicationFactorException.class;
        expectError("too many replicas", replicas, () -> create(absent, 3, 100, Map.of()));
        for (var config : List.of(
                Map.of("no.such.setting", "1"),
                Map.of("max.message.bytes", "many"),
                Map.of("max.message.bytes", "-1"))) {
            expectError(config.toString(), InvalidConfigurationException.class, () -> create(absent, 3, 1, config));
        }
        Class<UnknownTopicOrPartitionException> unknown = UnknownTopicOrPartitionException.class;
        expectError("an unknown topic described", unknown, () -> describe(absent));
        expectError("settings of an unknown topic", unknown, () -> describeConfigs(ConfigResource.Type.TOPIC, absent));
        expectError("an unknown topic deleted", unknown, () -> admin.deleteTopics(List.of(absent)).all().get());
        expectError("an unknown topic grown", unknown, () -> grow(absent, 9));
        expect("nothing was made by mistake", false, listed(absent));
        var defaults = new NewTopic(absent, Optional.empty(), Optional.empty());
        admin.createTopics(List.of(defaults)).all().get();
        settle("a topic with the broker's defaults is listed", () -> listed(absent));
        admin.deleteTopics(List.of(absent)).all().get();
    }

    private void deletion() throws Exception {
        admin.deleteTopics(List.of(topic)).all().get();
        settle("the topic is gone", () -> !listed(topic));
        expectError("the deleted topic described", UnknownTopicOrPartitionException.class, () -> describe(topic));
    }
}
