package main

import (
	"slices"

	"github.com/IBM/sarama"
)

// Changes the settings of a topic that is there, and deletes records of it.
func alter(o options) (int, error) {
	it, err := open(o, o.topic+"-altered")
	if err != nil {
		return 0, err
	}
	err = it.create(it.topic, 2, 1, map[string]string{"retention.ms": "-1"})
	it.that("the topic is made", err == nil, err)
	it.settle("the topic is listed", func() bool { return it.listed(it.topic) })
	alterConfigs(it)
	deleteRecords(it)
	if it.err != nil {
		return it.met, it.err
	}
	if err := it.admin.DeleteTopic(it.topic); err != nil {
		return it.met, err
	}
	return it.met, it.admin.Close()
}

func alterConfigs(it *pass) {
	change := func(name, value string, operation sarama.IncrementalAlterConfigsOperation) error {
		entry := sarama.IncrementalAlterConfigsEntry{Operation: operation, Value: &value}
		changes := map[string]sarama.IncrementalAlterConfigsEntry{name: entry}
		return it.admin.IncrementalAlterConfig(sarama.TopicResource, it.topic, changes, false)
	}
	// Changes spread after they are answered.
	expected := func(name, value string, source sarama.ConfigSource) {
		it.settle(name+" becomes "+value, func() bool {
			found, err := it.admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: it.topic})
			it.that("settings are described", err == nil, err)
			return slices.ContainsFunc(found, func(entry sarama.ConfigEntry) bool {
				return entry.Name == name && entry.Value == value && entry.Source == source
			})
		})
	}
	succeeds := func(what string, err error) { it.that(what, err == nil, err) }
	succeeds("set", change("max.message.bytes", "20000", sarama.IncrementalAlterConfigsOperationSet))
	expected("max.message.bytes", "20000", sarama.SourceTopic)
	expected("retention.ms", "-1", sarama.SourceTopic)
	succeeds("append", change("cleanup.policy", "compact", sarama.IncrementalAlterConfigsOperationAppend))
	expected("cleanup.policy", "delete,compact", sarama.SourceTopic)
	succeeds("subtract", change("cleanup.policy", "compact", sarama.IncrementalAlterConfigsOperationSubtract))
	expected("cleanup.policy", "delete", sarama.SourceTopic)
	succeeds("delete", change("cleanup.policy", "", sarama.IncrementalAlterConfigsOperationDelete))
	expected("cleanup.policy", "delete", sarama.SourceDefault)
	set := sarama.IncrementalAlterConfigsOperationSet
	it.fails("an unknown setting", sarama.ErrInvalidConfig, change("no.such.setting", "1", set))
	it.fails("a bad value", sarama.ErrInvalidConfig, change("max.message.bytes", "many", set))
}

func deleteRecords(it *pass) {
	config := configuration()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	producer, err := sarama.NewSyncProducer(brokers(it), config)
	it.that("a producer", err == nil, err)
	if it.err != nil {
		return
	}
	defer producer.Close()
	send := func(value []byte) error {
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: it.topic, Value: sarama.ByteEncoder(value)})
		return err
	}
	for range 10 {
		err := send([]byte("x"))
		it.that("a record is sent", err == nil, err)
	}
	it.fails("a record larger than the new limit", sarama.ErrMessageSizeTooLarge, send(make([]byte, 30_000)))
	remove := func(before int64) error { return it.admin.DeleteRecords(it.topic, map[int32]int64{0: before}) }
	earliest := func() int64 {
		found, err := it.client.GetOffset(it.topic, 0, sarama.OffsetOldest)
		it.that("the earliest offset", err == nil, err)
		return found
	}
	err = remove(4)
	it.that("records are deleted", err == nil, err)
	it.that("earliest", earliest() == 4, earliest())
	err = remove(11)
	it.that("more than there are", err != nil, "succeeded")
	err = remove(-1)
	it.that("all records are deleted", err == nil, err)
	it.that("earliest of none", earliest() == 10, earliest())
}

func brokers(it *pass) []string {
	var addresses []string
	for _, broker := range it.client.Brokers() {
		addresses = append(addresses, broker.Addr())
	}
	return addresses
}
