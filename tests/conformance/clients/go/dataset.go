package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// The records of the suite, each computed from its number alone. README.md of the suite has the rule in words.

const (
	greek          = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mü nü ξ π 🦀"
	tapeLength     = 65536 + 2048
	firstTimestamp = int64(1_700_000_000_000)
)

type header struct {
	name  string
	value []byte
}

// A nil key or value is null. The timestamp is negative where the client stamps records itself.
type item struct {
	key, value []byte
	headers    []header
	timestamp  int64
}

// What kcat puts on every record.
var lineHeaders = []header{
	{"trace", []byte("conformance")},
	{"nullheader", nil},
	{"emptyheader", []byte{}},
	{"trace", []byte("again")},
	{"ключ", []byte("значение")},
}

var tape = makeTape()

func mix(x uint32) uint32 {
	x ^= x >> 16
	x *= 0x7feb352d
	x ^= x >> 15
	x *= 0x846ca68b
	return x ^ x>>16
}

func makeTape() []byte {
	words := strings.Split(greek, " ")
	var made []byte
	for x := uint32(0x2545f491); len(made) < tapeLength; {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		if x&3 == 0 {
			made = append(made, byte(x>>24))
		} else {
			made = append(made, words[x>>8&15]+" "...)
		}
	}
	return made[:tapeLength]
}

func slice(start, length uint32) []byte { return tape[start : start+length] }

func record(i int, shape string, keyed bool) item {
	a := mix(uint32(i) + 1)
	b := mix(a)
	c := mix(b)

	var key, value []byte
	if role := a & 15; role > 1 || keyed {
		key = append(fmt.Appendf(nil, "k%d:", i), slice(a>>16, a>>4&31)...)
	} else if role == 1 {
		key = []byte{}
	}

	size, room, start := b&63, b>>8, b>>16
	switch {
	case size == 0:
	case size == 1:
		value = []byte{}
	case size < 4:
		value = slice(start, 512+room%1537)
	case size < 12:
		value = slice(start, 128+room%385)
	default:
		value = slice(start, room%129)
	}

	if shape == "lines" {
		if value == nil {
			value = []byte{}
		}
		if key == nil && len(value) == 0 {
			key = []byte{}
		}
		return item{key, value, lineHeaders, -1}
	}
	if shape == "keyed-or-valued" && key == nil && value == nil {
		value = []byte{}
	}
	timestamp := firstTimestamp + int64(i)*10 + int64(c>>3%1000)
	return item{key, value, headersOf(i, c, shape == "grouped"), timestamp}
}

func headersOf(i int, c uint32, grouped bool) []header {
	text, number := slice(c>>16, c>>8&31), fmt.Appendf(nil, "%d", i)
	switch c & 7 {
	case 3:
		return []header{{"trace", number}}
	case 4:
		return []header{{"ключ-ß-🦀", text}}
	case 5:
		return []header{{"empty", []byte{}}, {"binary", binary.BigEndian.AppendUint32(nil, mix(c))}}
	case 6:
		first, other, second := header{"dup", number}, header{"other", text}, header{"dup", []byte{}}
		if grouped {
			return []header{first, second, other}
		}
		return []header{first, other, second}
	case 7:
		if grouped {
			return []header{{"null", []byte{}}, {"after", number}}
		}
		return []header{{"null", nil}, {"after", number}}
	}
	return nil
}

func moment(timestamp int64) time.Time { return time.UnixMilli(timestamp) }
