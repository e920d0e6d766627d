package conformance;

import static org.apache.kafka.clients.admin.AlterConfigOp.OpType.DELETE;
import static org.apache.kafka.clients.admin.AlterConfigOp.OpType.SET;

import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigSource;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Changes the settings of a topic that is there, and deletes records of it. */
final class AlterPass {
    private final Options options;
    private final String topic;
    private Admin admin;
    private int met;

    AlterPass(Options options) {
        this.options = options;
        this.topic = options.topic() + "-altered";
    }

    int run() throws Exception {
        try (Admin opened = Admin.create(Map.<String, Object>of("bootstrap.servers", options.bootstrap()))) {
            admin = opened;
            var wanted = new NewTopic(topic, 2, (short) 1).configs(Map.of("retention.ms", "-1"));
            admin.createTopics(List.of(wanted)).all().get();
            configs();
            records();
            admin.deleteTopics(List.of(topic)).all().get();
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

    private Void alter(String name, String value, AlterConfigOp.OpType type) throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        var change = new AlterConfigOp(new ConfigEntry(name, value), type);
        return admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
    }

    private void expectSetting(String name, String value, ConfigSource source) throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        ConfigEntry found = admin.describeConfigs(List.of(resource)).all().get().get(resource).get(name);
        // Changes spread after they are answered.
        for (int i = 0; i < 100 && !(value.equals(found.value()) && source == found.source()); i++) {
            Thread.sleep(100);
            found = admin.describeConfigs(List.of(resource)).all().get().get(resource).get(name);
        }
        expect(name, value, found.value());
        expect(name + ": source", source, found.source());
    }

    private void configs() throws Exception {
        alter("max.message.bytes", "20000", SET);
        expectSetting("max.message.bytes", "20000", ConfigSource.DYNAMIC_TOPIC_CONFIG);
        expectSetting("retention.ms", "-1", ConfigSource.DYNAMIC_TOPIC_CONFIG);
        alter("cleanup.policy", "compact", AlterConfigOp.OpType.APPEND);
        expectSetting("cleanup.policy", "delete,compact", ConfigSource.DYNAMIC_TOPIC_CONFIG);
        alter("cleanup.policy", "compact", AlterConfigOp.OpType.SUBTRACT);
        expectSetting("cleanup.policy", "delete", ConfigSource.DYNAMIC_TOPIC_CONFIG);
        alter("cleanup.policy", "", DELETE);
        expectSetting("cleanup.policy", "delete", ConfigSource.DEFAULT_CONFIG);
        Class<InvalidConfigurationException> invalid = InvalidConfigurationException.class;
        expectError("an unknown setting", invalid, () -> alter("no.such.setting", "1", SET));
        expectError("a bad value", invalid, () -> alter("max.message.bytes", "many", SET));
    }

    private void records() throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", options.bootstrap());
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < 10; i++) {
                producer.send(new ProducerRecord<>(topic, 0, null, new byte[] {(byte) i})).get();
            }
            expectError("a record larger than the new limit", RecordTooLargeException.class, () ->
                    producer.send(new ProducerRecord<>(topic, 0, null, new byte[30_000])).get());
        }
        expect("deleted up to", 4L, delete(4));
        expect("earliest", 4L, offset(OffsetSpec.earliest()));
        expect("latest", 10L, offset(OffsetSpec.latest()));
        expectError("more than there are", OffsetOutOfRangeException.class, () -> delete(11));
        expect("deleted up to the end", 10L, delete(-1));
        expect("earliest of none", 10L, offset(OffsetSpec.earliest()));
    }

    private long delete(long before) throws Exception {
        var partition = new TopicPartition(topic, 0);
        var asked = Map.of(partition, RecordsToDelete.beforeOffset(before));
        return admin.deleteRecords(asked).lowWatermarks().get(partition).get().lowWatermark();
    }

    private long offset(OffsetSpec spec) throws Exception {
        var partition = new TopicPartition(topic, 0);
        return admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get().offset();
    }
}
