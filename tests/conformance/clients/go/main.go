// Sarama: the Go client that many exporters and operators are built on.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

const consumeMax = 120 * time.Second

// The command line that all clients of the suite share. For admin, the topic is the prefix of its topics.
type options struct {
	bootstrap, topic, codec, acks, partitioner, shape, group, state, committed string
	count, partitions, pace, members                                           int
	idempotent                                                                 bool
	since                                                                      int64
}

func main() {
	var o options
	mode := os.Args[1]
	flags := flag.NewFlagSet(mode, flag.ExitOnError)
	flags.StringVar(&o.bootstrap, "bootstrap", "", "")
	flags.StringVar(&o.topic, "topic", "", "")
	flags.StringVar(&o.codec, "codec", "none", "")
	flags.StringVar(&o.acks, "acks", "all", "")
	flags.StringVar(&o.partitioner, "partitioner", "explicit", "")
	flags.StringVar(&o.shape, "shape", "full", "")
	flags.IntVar(&o.count, "count", 0, "")
	flags.IntVar(&o.partitions, "partitions", 4, "")
	flags.StringVar(&o.group, "group", "", "")
	flags.StringVar(&o.state, "state", "", "")
	flags.StringVar(&o.committed, "committed", "", "")
	flags.IntVar(&o.members, "members", 0, "")
	flags.IntVar(&o.pace, "pace", 0, "")
	_ = flags.String("protocol", "classic", "the only one it has")
	idempotent := flags.String("idempotent", "false", "")
	flags.Int64Var(&o.since, "since", 0, "")
	_ = flags.Parse(os.Args[2:])
	o.idempotent = *idempotent == "true"

	if mode == "member" {
		os.Exit(beMember(o))
	}
	modes := map[string]func(options) (int, error){"produce": produce, "consume": consume, "admin": administer}
	modes["alter"], modes["look"] = alter, look
	started := time.Now()
	records, err := modes[mode](o)
	result, code := "ok", 0
	if err != nil {
		text := strings.NewReplacer("\n", " ", `"`, "'").Replace(err.Error())
		result, code = fmt.Sprintf("FAILED difference=%q", text), 1
	}
	fmt.Printf("client=sarama version=%s mode=%s codec=%s topic=%s records=%d seconds=%.2f result=%s\n",
		version(), mode, o.codec, o.topic, records, time.Since(started).Seconds(), result)
	os.Exit(code)
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/IBM/sarama" {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "unknown"
}

func configuration() *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "conformance"
	config.Version = sarama.MaxVersion
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	config.Producer.Return.Successes = true
	return config
}

func produce(o options) (int, error) {
	config := configuration()
	config.Producer.Idempotent = o.idempotent
	if o.idempotent {
		config.Net.MaxOpenRequests = 1
	}
	config.Producer.Retry.Max = 300 // Of 100 ms each: as long as a restart may take, of Kafka after kill -9.
	acks := map[string]sarama.RequiredAcks{"all": sarama.WaitForAll, "1": sarama.WaitForLocal, "0": sarama.NoResponse}
	config.Producer.RequiredAcks = acks[o.acks]
	if err := config.Producer.Compression.UnmarshalText([]byte(o.codec)); err != nil {
		return 0, err
	}
	switch o.partitioner {
	case "explicit":
		config.Producer.Partitioner = sarama.NewManualPartitioner
	case "murmur2":
		config.Producer.Partitioner = sarama.NewMurmur2Partitioner
	}
	producer, err := sarama.NewAsyncProducer([]string{o.bootstrap}, config)
	if err != nil {
		return 0, err
	}
	go func() {
		begun := time.Now()
		for i := range o.count {
			if o.pace > 0 {
				time.Sleep(time.Until(begun.Add(time.Duration(i) * time.Second / time.Duration(o.pace))))
			}
			producer.Input() <- message(i, o)
		}
	}()
	// Closed once all is answered: it fails what it would still have to retry.
	var first error
	delivered := 0
	for answered := 0; answered < o.count; answered++ {
		select {
		case <-producer.Successes():
			delivered++
		case failed := <-producer.Errors():
			if first == nil {
				first = failed.Err
			}
		}
	}
	if first != nil {
		return delivered, first
	}
	return delivered, producer.Close()
}

func message(i int, o options) *sarama.ProducerMessage {
	keyed := o.partitioner != "explicit"
	it := record(i, "full", keyed)
	made := &sarama.ProducerMessage{Topic: o.topic, Timestamp: moment(it.timestamp)}
	if !keyed {
		made.Partition = int32(i % o.partitions)
	}
	if it.key != nil {
		made.Key = sarama.ByteEncoder(it.key)
	}
	if it.value != nil {
		made.Value = sarama.ByteEncoder(it.value)
	}
	for _, each := range it.headers {
		made.Headers = append(made.Headers, sarama.RecordHeader{Key: []byte(each.name), Value: each.value})
	}
	return made
}

func consume(o options) (int, error) {
	client, err := sarama.NewClient([]string{o.bootstrap}, configuration())
	if err != nil {
		return 0, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return 0, err
	}
	results := make(chan error)
	for partition := range o.partitions {
		go func() { results <- consumePartition(o, client, consumer, partition) }()
	}
	for range o.partitions {
		if err := <-results; err != nil {
			return 0, err
		}
	}
	return o.count, client.Close()
}

func consumePartition(o options, client sarama.Client, consumer sarama.Consumer, partition int) error {
	assigned, err := consumer.ConsumePartition(o.topic, int32(partition), 0)
	if err != nil {
		return err
	}
	length := (o.count - partition + o.partitions - 1) / o.partitions
	deadline := time.After(consumeMax)
	for offset := 0; offset < length; offset++ {
		select {
		case found, open := <-assigned.Messages():
			if !open {
				return fmt.Errorf("partition %d: closed at offset %d", partition, offset)
			}
			if err := check(o, partition, offset, found); err != nil {
				return err
			}
		case <-deadline:
			return fmt.Errorf("partition %d: only %d records arrived", partition, offset)
		}
	}
	for what, wanted := range map[int64]int{sarama.OffsetOldest: 0, sarama.OffsetNewest: length} {
		found, err := client.GetOffset(o.topic, int32(partition), what)
		if err != nil {
			return err
		}
		if err := expect(fmt.Sprintf("partition %d: offset %d", partition, what), int64(wanted), found); err != nil {
			return err
		}
	}
	return assigned.Close()
}

func check(o options, partition, offset int, found *sarama.ConsumerMessage) error {
	at := fmt.Sprintf("partition %d offset %d", partition, offset)
	it := record(offset*o.partitions+partition, o.shape, false)
	if found.Offset != int64(offset) {
		return expect(at+": offset", int64(offset), found.Offset)
	}
	if err := same(at+": key", it.key, found.Key); err != nil {
		return err
	}
	if err := same(at+": value", it.value, found.Value); err != nil {
		return err
	}
	timestamp := found.Timestamp.UnixMilli()
	if it.timestamp < 0 {
		if timestamp < o.since || timestamp > time.Now().UnixMilli()+1000 {
			return fmt.Errorf("%s: timestamp: expected from %d to now, got %d", at, o.since, timestamp)
		}
	} else if timestamp != it.timestamp {
		return expect(at+": timestamp", it.timestamp, timestamp)
	}
	if len(found.Headers) != len(it.headers) {
		return expect(at+": headers", len(it.headers), len(found.Headers))
	}
	for h, wanted := range it.headers {
		if err := same(at+": header name", []byte(wanted.name), found.Headers[h].Key); err != nil {
			return err
		}
		if err := same(at+": header "+wanted.name, wanted.value, found.Headers[h].Value); err != nil {
			return err
		}
	}
	return nil
}

// A null is not an empty text.
func same(what string, wanted, found []byte) error {
	if (wanted == nil) != (found == nil) || !bytes.Equal(wanted, found) {
		nulls := []bool{wanted == nil, found == nil}
		return fmt.Errorf("%s: expected %.200q, got %.200q; are null: %v", what, wanted, found, nulls)
	}
	return nil
}

func expect[T comparable](what string, wanted, found T) error {
	if wanted != found {
		return fmt.Errorf("%s: expected %v, got %v", what, wanted, found)
	}
	return nil
}
