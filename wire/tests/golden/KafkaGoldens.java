import java.io.PrintStream;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocol;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocolCollection;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.utils.ImplicitLinkedHashCollection;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecord;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordHelpers;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordSerde;
import org.apache.kafka.coordinator.group.OffsetAndMetadata;
import org.apache.kafka.coordinator.group.classic.ClassicGroup;
import org.apache.kafka.coordinator.group.classic.ClassicGroupMember;
import org.apache.kafka.coordinator.group.classic.ClassicGroupState;
import org.apache.kafka.coordinator.group.generated.ConsumerGroupMemberMetadataValue;
import org.apache.kafka.coordinator.group.modern.MemberState;
import org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroupMember;
import org.apache.kafka.coordinator.group.modern.consumer.ResolvedRegularExpression;

/**
 * Writes the golden files of messages and of groups with Kafka's own classes:
 *
 *   javac -cp 'lib/*' -d out KafkaGoldens.java && java -cp 'lib/*:out' KafkaGoldens <folder>
 *
 * where lib holds kafka-group-coordinator 4.3.1 and what it depends on, from Maven Central.
 */
public class KafkaGoldens {
    /** All that the broker serves. */
    static final String[] APIS = {
        "Produce", "Fetch", "ListOffsets", "Metadata", "OffsetCommit", "OffsetFetch", "FindCoordinator", "JoinGroup",
        "Heartbeat", "LeaveGroup", "SyncGroup", "DescribeGroups", "ListGroups", "ApiVersions", "CreateTopics",
        "DeleteTopics", "DeleteRecords", "InitProducerId", "OffsetForLeaderEpoch", "DescribeConfigs", "AlterConfigs",
        "DescribeLogDirs", "CreatePartitions", "DeleteGroups", "IncrementalAlterConfigs", "OffsetDelete", "DescribeQuorum",
        "DescribeCluster", "DescribeProducers", "ConsumerGroupHeartbeat", "ConsumerGroupDescribe", "ListConfigResources",
        "DescribeTopicPartitions",
    };
    static final String[] RECORDS = {
        "OffsetCommit", "GroupMetadata", "ConsumerGroupMetadata", "ConsumerGroupPartitionMetadata",
        "ConsumerGroupMemberMetadata", "ConsumerGroupTargetAssignmentMetadata", "ConsumerGroupTargetAssignmentMember",
        "ConsumerGroupCurrentMemberAssignment", "ConsumerGroupRegularExpression",
    };
    static final String[] DATA = {"ConsumerProtocolSubscription", "ConsumerProtocolAssignment"};
    static final String GENERATED = "org.apache.kafka.coordinator.group.generated.";
    static final String MESSAGES = "org.apache.kafka.common.message.";

    /** Each number and text of a message is another one, so that fields in the wrong order are found. */
    static int next;

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        try (PrintStream out = new PrintStream(folder.resolve("messages-4.3.1.txt").toFile())) {
            out.println("# Messages written by org.apache.kafka:kafka-clients 4.3.1 with KafkaGoldens.java: name, version, with");
            out.println("# defaults or full, bytes.");
            for (String api : APIS) {
                each(MESSAGES + api + "RequestData", api + "Request", out);
                each(MESSAGES + api + "ResponseData", api + "Response", out);
            }
        }
        try (PrintStream out = new PrintStream(folder.resolve("group-record-parts-4.3.1.txt").toFile())) {
            out.println("# Parts of records, and data, written by the generated classes of org.apache.kafka:kafka-group-coordinator");
            out.println("# 4.3.1 with KafkaGoldens.java: name, version, with defaults or full, bytes after the number in front.");
            for (String record : RECORDS) {
                each(GENERATED + record + "Key", record + "Key", out);
                each(GENERATED + record + "Value", record + "Value", out);
            }
            for (String data : DATA) each(MESSAGES + data, data, out);
        }
        try (PrintStream out = new PrintStream(folder.resolve("group-records-4.3.1.txt").toFile())) {
            out.println("# Records as the coordinator of Kafka 4.3.1 writes them (GroupCoordinatorRecordHelpers and its serde, with");
            out.println("# KafkaGoldens.java), then what its consumers say: name, key or -, value or -.");
            records(out);
        }
        try (PrintStream out = new PrintStream(folder.resolve("group-partitions-4.3.1.txt").toFile(), "UTF-8")) {
            out.println("# Java's hash of a group's name, and its partition of 50 by Utils.abs of kafka-clients 4.3.1.");
            for (String group : new String[] {
                "", "a", "g", "group", "my-group", "console-consumer-12345", "connect-cluster", "payments.v2", "Payments_V2",
                "a rather long name of a group, with spaces and signs: !?", "polygenelubricants", "größe", "группа", "消費者",
                "\uD83E\uDD80", "crab-\uD83E\uDD80-crab", "\u20AC", "__consumer_offsets", "schema-registry", "x".repeat(249),
            }) {
                out.println(group.hashCode() + " " + Utils.abs(group.hashCode()) % 50 + " " + group);
            }
        }
    }

    /** Every version, once with defaults and once with every field set. */
    static void each(String className, String name, PrintStream out) throws Exception {
        Class<?> type = Class.forName(className);
        Message lowest = (Message) type.getConstructor().newInstance();
        for (short version = lowest.lowestSupportedVersion(); version <= lowest.highestSupportedVersion(); version++) {
            Message empty = (Message) type.getConstructor().newInstance();
            out.println(name + " " + version + " defaults " + hex(empty, version));
            next = 1;
            Message full = (Message) fill(type, version);
            out.println(name + " " + version + " full " + hex(full, version));
        }
    }

    static String hex(Message message, short version) {
        ByteBuffer bytes = MessageUtil.toByteBufferAccessor(message, version).buffer();
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        return copy.length == 0 ? "-" : HexFormat.of().formatHex(copy);
    }

    static Object fill(Class<?> type, short version) throws Exception {
        Object message = type.getConstructor().newInstance();
        Schema schema = ((Schema[]) type.getField("SCHEMAS").get(null))[version];
        List<String> names = new ArrayList<>();
        for (var bound : schema.fields()) {
            Field field = bound.def;
            if (field.type instanceof TaggedFields tagged) {
                for (Field one : tagged.fields().values()) names.add(one.name);
            } else {
                names.add(field.name);
            }
        }
        for (String name : names) {
            StringBuilder camel = new StringBuilder();
            for (String word : name.split("_")) camel.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
            String getter = Character.toLowerCase(camel.charAt(0)) + camel.substring(1);
            Method get = type.getMethod(getter);
            Object value = value(get.getReturnType(), get.getGenericReturnType(), version);
            type.getMethod("set" + camel, get.getReturnType()).invoke(message, value);
        }
        return message;
    }

    @SuppressWarnings("unchecked")
    static Object value(Class<?> type, java.lang.reflect.Type generic, short version) throws Exception {
        int number = next++;
        if (type == boolean.class) return true;
        if (type == byte.class || type == Byte.class) return (byte) number;
        if (type == short.class || type == Short.class) return (short) (0x0100 + number);
        if (type == int.class || type == Integer.class) return 0x0300 + number;
        if (type == long.class || type == Long.class) return 0x0400_0000_0000L + number;
        if (type == String.class) return "s" + number;
        if (type == Uuid.class) return new Uuid(0x0500 + number, number);
        if (type == byte[].class) return new byte[] {(byte) 0xB0, (byte) number};
        if (type == ByteBuffer.class) return ByteBuffer.wrap(new byte[] {(byte) 0xB1, (byte) number});
        if (type == BaseRecords.class) {
            return MemoryRecords.readableRecords(ByteBuffer.wrap(new byte[] {(byte) 0xB2, (byte) number}));
        }
        if (type == List.class) {
            Class<?> item = (Class<?>) ((ParameterizedType) generic).getActualTypeArguments()[0];
            List<Object> items = new ArrayList<>();
            for (int index = 0; index < 2; index++) items.add(value(item, item, version));
            return items;
        }
        if (ImplicitLinkedHashCollection.class.isAssignableFrom(type)) {
            Class<?> item = (Class<?>) ((ParameterizedType) type.getGenericSuperclass()).getActualTypeArguments()[0];
            var items = (ImplicitLinkedHashCollection<ImplicitLinkedHashCollection.Element>) type.getConstructor().newInstance();
            for (int index = 0; index < 2; index++) {
                items.add((ImplicitLinkedHashCollection.Element) value(item, item, version));
            }
            return items;
        }
        return fill(type, version);
    }

    static void records(PrintStream out) throws Exception {
        Uuid topic = new Uuid(1, 2);
        record(out, GroupCoordinatorRecordHelpers.newOffsetCommitRecord("group", "topic", 3, new OffsetAndMetadata(
            1000, OptionalInt.of(7), "note", 1_700_000_000_000L, OptionalLong.empty(), topic)));
        record(out, GroupCoordinatorRecordHelpers.newOffsetCommitRecord("group", "topic", 3, new OffsetAndMetadata(
            1000, OptionalInt.empty(), "", 1_700_000_000_000L, OptionalLong.empty(), Uuid.ZERO_UUID)));
        record(out, GroupCoordinatorRecordHelpers.newOffsetCommitRecord("group", "topic", 3, new OffsetAndMetadata(
            1000, OptionalInt.of(7), "note", 1_700_000_000_000L, OptionalLong.of(1_700_000_600_000L), topic)));
        record(out, GroupCoordinatorRecordHelpers.newOffsetCommitTombstoneRecord("group", "topic", 3));

        Time time = clockAt(1_700_000_000_000L);
        byte[] subscription = Utils.toArray(ConsumerProtocol.serializeSubscription(subscription()));
        byte[] assignment = Utils.toArray(ConsumerProtocol.serializeAssignment(new Assignment(
            List.of(new TopicPartition("topic", 0), new TopicPartition("topic", 1)))));
        ClassicGroup group = new ClassicGroup(new LogContext(), "group", ClassicGroupState.EMPTY, time);
        JoinGroupRequestProtocolCollection protocols = new JoinGroupRequestProtocolCollection();
        protocols.add(new JoinGroupRequestProtocol().setName("range").setMetadata(subscription));
        group.add(new ClassicGroupMember("member-1", Optional.of("static-1"), "client", "/127.0.0.1", 300_000, 45_000,
            "consumer", protocols, assignment), new java.util.concurrent.CompletableFuture<>());
        group.transitionTo(ClassicGroupState.PREPARING_REBALANCE);
        group.initNextGeneration();
        record(out, GroupCoordinatorRecordHelpers.newGroupMetadataRecord(group, Map.of("member-1", assignment)));
        record(out, GroupCoordinatorRecordHelpers.newEmptyGroupMetadataRecord(
            new ClassicGroup(new LogContext(), "group", ClassicGroupState.EMPTY, time)));
        record(out, GroupCoordinatorRecordHelpers.newGroupMetadataTombstoneRecord("group"));

        Map<Integer, Integer> epochs = new LinkedHashMap<>();
        epochs.put(0, 4);
        epochs.put(5, 6);
        ConsumerGroupMember member = new ConsumerGroupMember.Builder("member-1")
            .setMemberEpoch(6).setPreviousMemberEpoch(5).setInstanceId("static-1").setRackId("rack-1").setClientId("client")
            .setClientHost("/127.0.0.1").setSubscribedTopicNames(List.of("b", "a")).setSubscribedTopicRegex("t.*")
            .setRebalanceTimeoutMs(300_000).setServerAssignorName("uniform").setState(MemberState.UNREVOKED_PARTITIONS)
            .setAssignedPartitions(Map.of(topic, epochs)).setPartitionsPendingRevocation(Map.of(topic, Map.of(9, 3)))
            .build();
        ConsumerGroupMember classic = new ConsumerGroupMember.Builder("member-2")
            .setMemberEpoch(6).setClientId("client").setClientHost("/127.0.0.1").setSubscribedTopicNames(List.of("topic"))
            .setRebalanceTimeoutMs(300_000)
            .setClassicMemberMetadata(new ConsumerGroupMemberMetadataValue.ClassicMemberMetadata().setSessionTimeoutMs(45_000)
                .setSupportedProtocols(List.of(new ConsumerGroupMemberMetadataValue.ClassicProtocol().setName("range")
                    .setMetadata(subscription))))
            .build();
        record(out, GroupCoordinatorRecordHelpers.newConsumerGroupEpochRecord("group", 6, 0x0123_4567_89AB_CDEFL));
        record(out, GroupCoordinatorRecordHelpers.newConsumerGroupEpochTombstoneRecord("group"));
        record(out, GroupCoordinatorRecordHelpers.newConsumerGroupSubscriptionMetadataTombstoneRecord("group"));
        record(out, GroupCoordinatorRecordHelpers.newConsumerGroupMemberSubscriptionRecord("group", member));
        record(out, GroupCoordinatorRecordHelpers.newConsumerGroupMemberSubscriptionRecord("group", classic));
        record(out, GroupCoordinatorRecordHelpers.newConsumerGroupTargetAssignmentMetadataRecord("group", 6, 1_700_000_000_000L));
        Set<Integer> partitions = new LinkedHashSet<>(List.of(0, 5));
        record(out, GroupCoordinatorRecordHelpers.newConsumerGroupTargetAssignmentRecord("group", "member-1", Map.of(topic, partitions)));
        record(out, GroupCoordinatorRecordHelpers.newConsumerGroupCurrentAssignmentRecord("group", member));
        record(out, GroupCoordinatorRecordHelpers.newConsumerGroupRegularExpressionRecord("group", "t.*",
            new ResolvedRegularExpression(Set.of("topic"), 12, 1_700_000_000_000L)));
        record(out, GroupCoordinatorRecordHelpers.newShareGroupEpochRecord("group", 1, 2));

        for (short version = 0; version <= 3; version++) {
            line(out, "ConsumerProtocolSubscription", null, Utils.toArray(ConsumerProtocol.serializeSubscription(subscription(), version)));
        }
        line(out, "ConsumerProtocolAssignment", null, assignment);
    }

    static Subscription subscription() {
        return new Subscription(List.of("topic", "other"), ByteBuffer.wrap(new byte[] {1, 2}),
            List.of(new TopicPartition("topic", 1)), 4, Optional.of("rack-1"));
    }

    static void record(PrintStream out, CoordinatorRecord record) {
        GroupCoordinatorRecordSerde serde = new GroupCoordinatorRecordSerde();
        String name = record.key().getClass().getSimpleName().replaceFirst("Key$", "");
        line(out, name, serde.serializeKey(record), serde.serializeValue(record));
    }

    static void line(PrintStream out, String name, byte[] key, byte[] value) {
        HexFormat hex = HexFormat.of();
        out.println(name + " " + (key == null ? "-" : hex.formatHex(key)) + " " + (value == null ? "-" : hex.formatHex(value)));
    }

    /** A clock that stands still. */
    static Time clockAt(long millis) {
        return (Time) Proxy.newProxyInstance(Time.class.getClassLoader(), new Class<?>[] {Time.class}, (self, method, arguments) ->
            method.getName().equals("milliseconds") ? millis : method.invoke(Time.SYSTEM, arguments));
    }
}
