package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

var (
	configured = map[string]string{"max.message.bytes": "65536", "retention.ms": "-1", "cleanup.policy": "delete"}
	defaulted  = map[string]string{"segment.bytes": "1073741824", "compression.type": "producer"}
)

// pass counts the expectations that were met. The first that is not met ends it: later ones return at once.
type pass struct {
	admin         sarama.ClusterAdmin
	client        sarama.Client
	topic, absent string
	met           int
	err           error
}

// A pass that is about a topic.
func open(o options, topic string) (*pass, error) {
	client, err := sarama.NewClient([]string{o.bootstrap}, configuration())
	if err != nil {
		return nil, err
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return nil, err
	}
	return &pass{admin: admin, client: client, topic: topic}, nil
}

// What is made is described as it was made, and each mistake has its error.
func administer(o options) (int, error) {
	it, err := open(o, o.topic+"-made")
	if err != nil {
		return 0, err
	}
	it.absent = o.topic + "-absent"
	for _, part := range []func(*pass){cluster, topics, configs, offsets, partitions, mistakes, deletion} {
		if part(it); it.err != nil {
			return it.met, it.err
		}
	}
	return it.met, it.admin.Close()
}

func (it *pass) that(what string, met bool, detail ...any) {
	if it.err != nil {
		return
	}
	if !met {
		it.err = fmt.Errorf("%s: %v", what, detail)
		return
	}
	it.met++
}

func (it *pass) fails(what string, wanted sarama.KError, err error) {
	it.that(what, errors.Is(err, wanted), "expected", wanted, "got", err)
}

// Metadata spreads after the answer to the change: waits until it has.
func (it *pass) settle(what string, reached func() bool) {
	for range 100 {
		if it.err != nil {
			return
		}
		if reached() {
			it.met++
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	it.that(what, false, "not within 10 s")
}

func (it *pass) create(name string, partitions int32, replicas int16, config map[string]string) error {
	entries := map[string]*string{}
	for key, value := range config {
		entries[key] = &value
	}
	detail := sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: replicas, ConfigEntries: entries}
	return it.admin.CreateTopic(name, &detail, false)
}

func (it *pass) describe(name string) *sarama.TopicMetadata {
	found, err := it.admin.DescribeTopics([]string{name})
	it.that("topics are described", err == nil && len(found) == 1, err, len(found))
	if it.err != nil {
		return &sarama.TopicMetadata{}
	}
	return found[0]
}

func (it *pass) listed(name string) bool {
	found, err := it.admin.ListTopics()
	it.that("topics are listed", err == nil, err)
	_, exists := found[name]
	return exists
}

func cluster(it *pass) {
	brokers, controller, err := it.admin.DescribeCluster()
	it.that("the cluster is described", err == nil, err)
	among := slices.ContainsFunc(brokers, func(broker *sarama.Broker) bool { return broker.ID() == controller })
	it.that("the controller is one of the nodes", among, controller, brokers)
}

func topics(it *pass) {
	err := it.create(it.topic, 3, 1, configured)
	it.that("the topic is made", err == nil, err)
	it.settle("the topic is listed", func() bool { return it.listed(it.topic) })
	described := it.describe(it.topic)
	it.that("no error", described.Err == sarama.ErrNoError, described.Err)
	it.that("partitions", len(described.Partitions) == 3, len(described.Partitions))
	it.that("is internal", !described.IsInternal)
	it.that("the topic has an id", described.Uuid != sarama.Uuid{}, described.Uuid)
	for _, each := range described.Partitions {
		alone := []int32{each.Leader}
		it.that("replicas", slices.Equal(each.Replicas, alone) && slices.Equal(each.Isr, alone), each)
		it.that("leader epoch", each.LeaderEpoch >= 0, each.LeaderEpoch)
	}
}

func (it *pass) configsOf(name string) (map[string]sarama.ConfigEntry, error) {
	resource := sarama.ConfigResource{Type: sarama.TopicResource, Name: name}
	options := sarama.DescribeConfigsOptions{IncludeSynonyms: true, IncludeDocumentation: true}
	results, err := it.admin.DescribeConfigs([]*sarama.ConfigResource{&resource}, options)
	if err != nil {
		return nil, err
	}
	if code := results[0].ErrorCode; code != sarama.ErrNoError {
		return nil, code
	}
	entries := map[string]sarama.ConfigEntry{}
	for _, entry := range results[0].Configs {
		entries[entry.Name] = entry
	}
	return entries, nil
}

func configs(it *pass) {
	described, err := it.configsOf(it.topic)
	it.that("settings are described", err == nil, err)
	for name, value := range configured {
		found := described[name]
		it.that(name, found.Value == value && found.Source == sarama.SourceTopic, found)
	}
	for name, value := range defaulted {
		found := described[name]
		it.that(name, found.Value == value && found.Source == sarama.SourceDefault, found)
		it.that(name+" is documented", found.Documentation != nil && *found.Documentation != "")
	}
}

// Leaders are named a moment before they serve, and sarama leaves it to its caller to ask again.
func (it *pass) serves() bool {
	listed, err := it.admin.ListOffsets(map[string]map[int32]int64{it.topic: {0: -1, 1: -1, 2: -1}}, nil)
	if err != nil {
		return false
	}
	for _, found := range listed[it.topic] {
		if errors.Is(found.Err, sarama.ErrNotLeaderForPartition) {
			return false
		}
	}
	return true
}

// Ten records a second apart, the sixth of them dated last.
func offsets(it *pass) {
	it.settle("all partitions serve", it.serves)
	config := configuration()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Retry.Max = 1
	producer, err := sarama.NewSyncProducer(brokersOf(it.client), config)
	it.that("a producer is made", err == nil, err)
	if it.err != nil {
		return
	}
	var messages []*sarama.ProducerMessage
	for i := range int64(10) {
		after := i * 1000
		if i == 5 {
			after = 100_000
		}
		value := sarama.StringEncoder(fmt.Sprint(i))
		made := &sarama.ProducerMessage{Topic: it.topic, Value: value, Timestamp: moment(firstTimestamp + after)}
		messages = append(messages, made)
	}
	err = producer.SendMessages(messages)
	it.that("records are sent", err == nil, err)
	large := &sarama.ProducerMessage{Topic: it.topic, Value: sarama.ByteEncoder(make([]byte, 70_000))}
	_, _, err = producer.SendMessage(large)
	it.fails("a record too large", sarama.ErrMessageSizeTooLarge, err)
	_ = producer.Close()

	for _, each := range []struct {
		what      string
		partition int32
		time      int64
		offset    int64
		timestamp int64
	}{
		{"earliest", 0, sarama.OffsetOldest, 0, -1},
		{"latest", 0, sarama.OffsetNewest, 10, -1},
		{"latest when empty", 1, sarama.OffsetNewest, 0, -1},
		{"by an exact timestamp", 0, firstTimestamp + 3000, 3, firstTimestamp + 3000},
		{"by a timestamp between", 0, firstTimestamp + 3001, 4, firstTimestamp + 4000},
		{"by the last timestamp", 0, firstTimestamp + 9001, 5, firstTimestamp + 100_000},
		{"by a later timestamp", 0, firstTimestamp + 100_001, -1, -1},
	} {
		where := map[string]map[int32]int64{it.topic: {each.partition: each.time}}
		listed, err := it.admin.ListOffsets(where, nil)
		it.that(each.what, err == nil, err)
		if it.err != nil {
			return
		}
		found := listed[it.topic][each.partition]
		it.that(each.what, found.Offset == each.offset && found.Timestamp == each.timestamp, *found)
		it.that(each.what+": no error", found.Err == nil || errors.Is(found.Err, sarama.ErrNoError), found.Err)
	}
}

func brokersOf(client sarama.Client) []string {
	var addresses []string
	for _, broker := range client.Brokers() {
		addresses = append(addresses, broker.Addr())
	}
	return addresses
}

func partitions(it *pass) {
	err := it.admin.CreatePartitions(it.topic, 5, nil, false)
	it.that("partitions are added", err == nil, err)
	it.settle("the topic has five partitions", func() bool { return len(it.describe(it.topic).Partitions) == 5 })
	it.fails("fewer partitions", sarama.ErrInvalidPartitions, it.admin.CreatePartitions(it.topic, 2, nil, false))
}

func mistakes(it *pass) {
	it.fails("a topic that exists", sarama.ErrTopicAlreadyExists, it.create(it.topic, 3, 1, nil))
	it.fails("a bad name", sarama.ErrInvalidTopic, it.create("bad/name", 3, 1, nil))
	it.fails("no partitions", sarama.ErrInvalidPartitions, it.create(it.absent, 0, 1, nil))
	it.fails("too many replicas", sarama.ErrInvalidReplicationFactor, it.create(it.absent, 3, 100, nil))
	for _, config := range []map[string]string{
		{"no.such.setting": "1"}, {"max.message.bytes": "many"}, {"max.message.bytes": "-1"},
	} {
		it.fails(fmt.Sprint(config), sarama.ErrInvalidConfig, it.create(it.absent, 3, 1, config))
	}
	it.fails("an unknown topic described", sarama.ErrUnknownTopicOrPartition, it.describe(it.absent).Err)
	_, err := it.configsOf(it.absent)
	it.fails("settings of an unknown topic", sarama.ErrUnknownTopicOrPartition, err)
	it.fails("an unknown topic deleted", sarama.ErrUnknownTopicOrPartition, it.admin.DeleteTopic(it.absent))
	grown := it.admin.CreatePartitions(it.absent, 9, nil, false)
	it.fails("an unknown topic grown", sarama.ErrUnknownTopicOrPartition, grown)
	it.that("nothing was made by mistake", !it.listed(it.absent))
}

func deletion(it *pass) {
	err := it.admin.DeleteTopic(it.topic)
	it.that("the topic is deleted", err == nil, err)
	it.settle("the topic is gone", func() bool { return !it.listed(it.topic) })
}
