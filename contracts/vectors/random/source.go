// Package random draws signed messages for the vectors and for the three-way check, with the types of the schema.
package random

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/contracts/schema"
)

// Message is a JSON object of one message's fields. Amounts, and only amounts, are decimal strings.
type Message map[string]any

// Source draws field values. Index decides on extremes: 0 has all zeros, 1 all maxima.
type Source struct {
	*rand.Rand
	Schema schema.Schema
	Index  int
	Wide   bool // amounts of 65 to 128 bits, which the contracts take and Go refuses, in place of up to 64
}

// With returns the source for the message of this index.
func (s *Source) With(index int) *Source {
	return &Source{Rand: s.Rand, Schema: s.Schema, Index: index}
}

// Bytes draws n bytes.
func (s *Source) Bytes(n int) []byte {
	var out []byte
	for len(out) < n {
		out = binary.BigEndian.AppendUint64(out, s.Uint64())
	}
	return out[:n]
}

// Digests draws n digests.
func (s *Source) Digests(n int) []common.Hash {
	out := make([]common.Hash, n)
	for i := range out {
		out[i] = common.BytesToHash(s.Bytes(32))
	}
	return out
}

// number draws with all lengths in bits alike.
func (s *Source) number(bits int) uint64 {
	switch s.Index {
	case 0:
		return 0
	case 1:
		return math.MaxUint64 >> (64 - bits)
	default:
		return s.Uint64() >> (64 - 1 - s.IntN(bits))
	}
}

// amount draws one that Go can hold, or one that it cannot: from 2^64, the least, to 2^128-1.
func (s *Source) amount() string {
	if !s.Wide {
		return strconv.FormatUint(s.number(64), 10)
	}
	wide := new(big.Int)
	switch s.Index {
	case 0:
	case 1:
		wide.SetBytes(bytes.Repeat([]byte{0xff}, 16))
	default:
		wide.Rsh(wide.SetBytes(s.Bytes(16)), uint(s.IntN(64)))
	}
	return wide.SetBit(wide, 64, 1).String()
}

func (s *Source) word() string {
	switch s.Index {
	case 0:
		return common.Hash{}.Hex()
	case 1:
		return common.BytesToHash(bytes.Repeat([]byte{0xff}, 32)).Hex()
	default:
		return common.BytesToHash(s.Bytes(32)).Hex()
	}
}

// text draws strings of 0 to 40 characters: empty, plain, other scripts, quotes and control characters.
func (s *Source) text() string {
	if s.Index == 0 {
		return ""
	}
	letters := []rune("abcdefghijklmnopqrstuvwxyz-.:/0123456789 \"\\\n\täöß模型🚢")
	var out strings.Builder
	for range s.IntN(40) {
		out.WriteRune(letters[s.IntN(len(letters))])
	}
	return out.String()
}

// Fields draws all fields of a message of this type.
func (s *Source) Fields(st schema.Struct) Message {
	m := Message{}
	for _, field := range st.Fields {
		m[field.Name] = s.Value(field)
	}
	return m
}

// Value draws one field.
func (s *Source) Value(field schema.Field) any {
	if element, isArray := s.Schema.Lookup(field.Element()); isArray {
		return s.lanes(element)
	}
	switch field.Type {
	case "address":
		return common.BytesToAddress(s.Bytes(20)).Hex()
	case "bytes32":
		return s.word()
	case "string":
		return s.text()
	case "uint128":
		return s.amount()
	case "uint64":
		return s.number(64)
	case "uint32":
		return s.number(32)
	default:
		panic("no rule for type " + field.Type)
	}
}

// lanes draws 1 to 8 lanes in ascending order of payees, as the contract demands.
func (s *Source) lanes(element schema.Struct) []Message {
	lanes := make([]Message, 1+s.IntN(8))
	for i := range lanes {
		lanes[i] = s.Fields(element)
	}
	slices.SortFunc(lanes, func(a, b Message) int {
		return strings.Compare(strings.ToLower(a["payee"].(string)), strings.ToLower(b["payee"].(string)))
	})
	return lanes
}
