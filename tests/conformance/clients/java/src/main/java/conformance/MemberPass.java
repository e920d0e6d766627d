package conformance;

import static conformance.Difference.expect;

import conformance.Dataset.Item;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedMemberEpochException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.StaleMemberEpochException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** One member of a group, which tells what it owns and reads until it is asked to leave. */
final class MemberPass {
    private static final Duration POLL = Duration.ofMillis(100);

    private final Options options;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private volatile boolean leaving;
    private String told = "";

    MemberPass(Options options) {
        this.options = options;
        Map<String, Object> config = new HashMap<>(Map.of(
                "bootstrap.servers", options.bootstrap(),
                "group.id", options.group(),
                "group.protocol", options.protocol(),
                "enable.auto.commit", false,
                "auto.offset.reset", "earliest",
                "fetch.max.wait.ms", 100,
                "max.poll.records", 200));
        if (options.protocol().equals("classic")) {
            config.put("session.timeout.ms", options.sessionMs());
            config.put("heartbeat.interval.ms", 500);
            if (options.cooperative()) {
                config.put("partition.assignment.strategy", List.of(CooperativeStickyAssignor.class));
            }
        }
        if (options.instance() != null) {
            config.put("group.instance.id", options.instance());
        }
        consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** The exit code. SIGTERM begins the JVM's end, which waits for this. */
    int run() {
        Thread working = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            leaving = true;
            consumer.wakeup();
            try {
                working.join();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }));
        try (consumer) {
            if (options.pattern() == null) {
                consumer.subscribe(List.of(options.topic()), new Told());
            } else {
                consumer.subscribe(new SubscriptionPattern(options.pattern()), new Told());
            }
            while (!leaving) {
                take();
            }
        } catch (WakeupException asked) {
            // The group was left as the consumer was closed.
        } catch (Exception error) {
            error.printStackTrace();
            System.out.println("failed " + error.toString().replace('\n', ' '));
            return 1;
        }
        System.out.println("left");
        return 0;
    }

    /** What is given and taken, and when: in nanoseconds that all processes of this machine count alike. */
    private final class Told implements ConsumerRebalanceListener {
        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            tell("gains", partitions);
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            tell("gives", partitions);
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            tell("loses", partitions);
        }

        private void tell(String what, Collection<TopicPartition> partitions) {
            System.out.println((what + " " + System.nanoTime() + " " + list(partitions)).trim());
        }
    }

    private String list(Collection<TopicPartition> partitions) {
        return partitions.stream().map(this::place).sorted().collect(Collectors.joining(" "));
    }

    /** The number alone in the topic that was named; others that a pattern matches are named. */
    private String place(TopicPartition partition) {
        String topic = partition.topic().equals(options.topic()) ? "" : partition.topic() + "/";
        return topic + partition.partition();
    }

    private void take() throws Difference {
        var records = consumer.poll(POLL);
        String owned = ("assigned " + list(consumer.assignment())).trim();
        if (!owned.equals(told)) {
            told = owned;
            System.out.println(owned);
        }
        for (TopicPartition partition : records.partitions()) {
            read(partition, new ArrayList<>(records.records(partition)));
        }
        if (!records.isEmpty()) {
            commit();
        }
    }

    private void read(TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records) throws Difference {
        long first = records.get(0).offset();
        long next = first;
        for (var record : records) {
            String at = "partition " + partition + " offset " + record.offset();
            int number = (int) (record.offset() * options.partitions() + partition.partition());
            Item item = Dataset.item(number, options.shape(), false);
            expect(at, "key", item.key(), record.key());
            expect(at, "value", item.value(), record.value());
            if (record.offset() != next) {
                System.out.println("read " + place(partition) + " " + first + " " + (next - 1));
                first = record.offset();
            }
            next = record.offset() + 1;
        }
        System.out.println("read " + place(partition) + " " + first + " " + (next - 1));
    }

    /** A rebalance may come between: whoever has the partition next reads these records again. */
    private void commit() {
        try {
            consumer.commitSync();
        } catch (CommitFailedException
                | RebalanceInProgressException
                | UnknownMemberIdException
                | FencedMemberEpochException
                | StaleMemberEpochException late) {
            System.err.println("not committed: " + late);
        }
    }
}
