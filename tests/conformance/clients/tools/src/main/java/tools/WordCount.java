package tools;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/** Kafka Streams counts words: through a repartition topic, in a store with a changelog, over two restarts. */
final class WordCount {
    private static final int PARTITIONS = 3;
    private static final int LINES = 2000;

    private final String bootstrap;
    private final String application;
    private final String input;
    private final String output;
    private final Path folder;
    private final Random random = new Random(6);
    private final Map<String, Long> expected = new TreeMap<>();

    WordCount(String bootstrap, String prefix, String folder) {
        this.bootstrap = bootstrap;
        this.application = prefix + "-words";
        this.input = application + "-input";
        this.output = application + "-output";
        this.folder = Path.of(folder);
    }

    void run(Check check) throws Exception {
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrap))) {
            List<NewTopic> topics = new ArrayList<>();
            for (String name : List.of(input, output)) {
                topics.add(new NewTopic(name, PARTITIONS, (short) 1));
            }
            admin.createTopics(topics).all().get();
            write(LINES);
            count(check, "a first run", "state", false);
            write(LINES);
            count(check, "a second run, on the state of the first", "state", true);
            write(LINES);
            count(check, "a third run, on a state restored from the changelog", "state-lost", true);
            internal(check, admin);
        }
    }

    /** Runs until the counts are right; part of the lines are written while it runs. */
    private void count(Check check, String what, String state, boolean writes) throws Exception {
        Properties config = new Properties();
        config.put("application.id", application);
        config.put("bootstrap.servers", bootstrap);
        config.put("state.dir", folder.resolve(state).toString());
        config.put("commit.interval.ms", 200);
        config.put("num.stream.threads", 2);
        config.put("consumer.session.timeout.ms", 6000);
        config.put("consumer.heartbeat.interval.ms", 500);
        config.put("processing.guarantee", "at_least_once");
        config.put("default.key.serde", Serdes.StringSerde.class);
        config.put("default.value.serde", Serdes.StringSerde.class);
        var builder = new StreamsBuilder();
        builder.<String, String>stream(input)
                .flatMapValues(line -> List.of(line.split(" ")))
                .groupBy((key, word) -> word)
                .count(Materialized.as("counts"))
                .toStream()
                .to(output, Produced.with(Serdes.String(), Serdes.Long()));
        try (var streams = new KafkaStreams(builder.build(), config)) {
            streams.start();
            check.until(what + ": runs", 60, () -> streams.state() == KafkaStreams.State.RUNNING);
            if (writes) {
                write(LINES);
            }
            check.until(what + ": " + expected.size() + " words", 60, () -> expected.equals(counted()));
            check.same(what + ": ended in time", true, streams.close(Duration.ofSeconds(20)));
        }
    }

    private void write(int lines) {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "linger.ms", 5);
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < lines; i++) {
                List<String> words = new ArrayList<>();
                for (int word = 0; word < 5; word++) {
                    words.add("word" + (int) Math.sqrt(random.nextInt(10_000)));
                }
                words.forEach(word -> expected.merge(word, 1L, Long::sum));
                producer.send(new ProducerRecord<>(input, null, String.join(" ", words)));
            }
        }
    }

    /** The last count of each word that was written. */
    private Map<String, Long> counted() {
        List<TopicPartition> partitions = new ArrayList<>();
        for (int index = 0; index < PARTITIONS; index++) {
            partitions.add(new TopicPartition(output, index));
        }
        Map<String, Long> last = new TreeMap<>();
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", false);
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new LongDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> last.put(record.key(), record.value()));
            }
        }
        return last;
    }

    /** Streams makes its own topics: what it asked for is what there is. */
    private void internal(Check check, Admin admin) throws Exception {
        Map<String, String> policies = new HashMap<>();
        policies.put(application + "-counts-changelog", "compact");
        policies.put(application + "-counts-repartition", "delete");
        for (var wanted : policies.entrySet()) {
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, wanted.getKey());
            var found = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            check.same(wanted.getKey(), wanted.getValue(), found.get("cleanup.policy").value());
            var described = admin.describeTopics(Collections.singleton(wanted.getKey())).allTopicNames().get();
            int partitions = described.get(wanted.getKey()).partitions().size();
            check.same(wanted.getKey() + ": partitions", PARTITIONS, partitions);
        }
    }
}
