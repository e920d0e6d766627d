package main

import (
	"strconv"
	"strings"

	"github.com/IBM/sarama"
)

// A group is listed and described as it is. Where it has members it is not deleted; where it has none its committed
// offsets are looked at, and it is, once.
func look(o options) (int, error) {
	it, err := open(o, o.topic)
	if err != nil {
		return 0, err
	}
	it.that("the group is listed", it.groupListed(o.group))
	found, err := it.admin.DescribeConsumerGroups([]string{o.group})
	it.that("the group is described", err == nil && len(found) == 1 && found[0].Err == sarama.ErrNoError, err)
	if it.err != nil {
		return it.met, it.err
	}
	it.that("state", found[0].State == o.state, "expected", o.state, "got", found[0].State)
	it.that("members", len(found[0].Members) == o.members, "expected", o.members, "got", len(found[0].Members))
	if o.members > 0 {
		it.fails("a group with members deleted", sarama.ErrNonEmptyGroup, it.admin.DeleteConsumerGroup(o.group))
		return it.met, it.err
	}
	it.committed(o)
	err = it.admin.DeleteConsumerGroup(o.group)
	it.that("the group is deleted", err == nil, err)
	it.that("the group is gone", !it.groupListed(o.group))
	it.fails("a group deleted twice", sarama.ErrGroupIDNotFound, it.admin.DeleteConsumerGroup(o.group))
	return it.met, it.err
}

func (it *pass) groupListed(group string) bool {
	found, err := it.admin.ListConsumerGroups()
	it.that("groups are listed", err == nil, err)
	_, exists := found[group]
	return exists
}

func (it *pass) committed(o options) {
	found, err := it.admin.ListConsumerGroupOffsets(o.group, map[string][]int32{o.topic: {0, 1, 2, 3}})
	it.that("offsets are listed", err == nil, err)
	if it.err != nil {
		return
	}
	for partition, text := range strings.Split(o.committed, ",") {
		wanted, err := strconv.ParseInt(text, 10, 64)
		block := found.GetBlock(o.topic, int32(partition))
		it.that("an offset is there", err == nil && block != nil, err)
		if it.err == nil {
			it.that("committed", block.Offset == wanted, "expected", wanted, "got", block.Offset)
		}
	}
}
