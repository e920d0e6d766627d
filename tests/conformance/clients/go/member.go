package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/IBM/sarama"
)

// One member of a group, which tells what it owns and reads until it is asked to leave.
type member struct {
	o     options
	mouth sync.Mutex
	wrong error
	leave context.CancelFunc
}

// A rebalance may come between a read and its commit: whoever has the partition next reads these records again.
var lateCommits = []error{
	sarama.ErrRebalanceInProgress, sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration, sarama.ErrFencedInstancedId,
}

func beMember(o options) int {
	it := &member{o: o}
	if err := it.run(); err != nil {
		it.say("failed %s", strings.ReplaceAll(err.Error(), "\n", " "))
		return 1
	}
	it.say("left")
	return 0
}

func (it *member) say(format string, arguments ...any) {
	it.mouth.Lock()
	defer it.mouth.Unlock()
	fmt.Printf(format+"\n", arguments...)
}

func (it *member) fail(err error) {
	it.mouth.Lock()
	defer it.mouth.Unlock()
	if it.wrong == nil {
		it.wrong = err
	}
	it.leave()
}

func (it *member) run() error {
	config := configuration()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = 6 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	config.Consumer.Return.Errors = true
	group, err := sarama.NewConsumerGroup([]string{it.o.bootstrap}, it.o.group, config)
	if err != nil {
		return err
	}
	ctx, leave := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	it.leave = leave
	go func() {
		for err := range group.Errors() {
			if !slices.ContainsFunc(lateCommits, func(late error) bool { return errors.Is(err, late) }) {
				it.fail(err)
			}
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{it.o.topic}, it); err != nil {
			return err
		}
	}
	if err := group.Close(); err != nil {
		return err
	}
	it.mouth.Lock()
	defer it.mouth.Unlock()
	return it.wrong
}

// Setup is called when the group has settled.
func (it *member) Setup(session sarama.ConsumerGroupSession) error {
	owned := slices.Clone(session.Claims()[it.o.topic])
	slices.Sort(owned)
	it.say("assigned %s", strings.Trim(fmt.Sprint(owned), "[]"))
	return nil
}

// Cleanup is called before the group settles anew.
func (it *member) Cleanup(sarama.ConsumerGroupSession) error {
	it.say("assigned")
	return nil
}

// ConsumeClaim reads one partition until the group settles anew.
func (it *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		if session.Context().Err() != nil {
			return nil
		}
		first, last := message.Offset, message.Offset
		for {
			number := int(message.Offset)*it.o.partitions + int(message.Partition)
			wanted := record(number, it.o.shape, false)
			at := fmt.Sprintf("partition %d offset %d", message.Partition, message.Offset)
			err := errors.Join(same(at+": key", wanted.key, message.Key), same(at+": value", wanted.value, message.Value))
			if err != nil {
				it.fail(err)
				return nil
			}
			last = message.Offset
			session.MarkMessage(message, "")
			next, more := waiting(claim)
			if !more || next.Offset != last+1 {
				break
			}
			message = next
		}
		it.say("read %d %d %d", claim.Partition(), first, last)
		session.Commit()
	}
	return nil
}

// What is there already belongs to the same commit.
func waiting(claim sarama.ConsumerGroupClaim) (*sarama.ConsumerMessage, bool) {
	select {
	case message, open := <-claim.Messages():
		return message, open
	default:
		return nil, false
	}
}
