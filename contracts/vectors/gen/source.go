package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// source draws field values. Which one it is decides on extremes: 0 has all zeros, 1 all maxima.
type source struct {
	*rand.Rand
	index int
}

func (s *source) with(index int) *source { return &source{Rand: s.Rand, index: index} }

func (s *source) bytes(n int) []byte {
	var out []byte
	for len(out) < n {
		out = binary.BigEndian.AppendUint64(out, s.Uint64())
	}
	return out[:n]
}

func (s *source) digests(n int) []common.Hash {
	out := make([]common.Hash, n)
	for i := range out {
		out[i] = common.BytesToHash(s.bytes(32))
	}
	return out
}

// number draws with all lengths in bits alike.
func (s *source) number(bits int) uint64 {
	switch s.index {
	case 0:
		return 0
	case 1:
		return math.MaxUint64 >> (64 - bits)
	default:
		return s.Uint64() >> (64 - 1 - s.IntN(bits))
	}
}

func (s *source) word() string {
	switch s.index {
	case 0:
		return common.Hash{}.Hex()
	case 1:
		return common.BytesToHash(bytes.Repeat([]byte{0xff}, 32)).Hex()
	default:
		return common.BytesToHash(s.bytes(32)).Hex()
	}
}

// text draws strings of 0 to 40 characters: empty, plain, other scripts, quotes and control characters.
func (s *source) text() string {
	if s.index == 0 {
		return ""
	}
	letters := []rune("abcdefghijklmnopqrstuvwxyz-.:/0123456789 \"\\\n\täöß模型🚢")
	var out strings.Builder
	for range s.IntN(40) {
		out.WriteRune(letters[s.IntN(len(letters))])
	}
	return out.String()
}

// fields draws all fields of a message of this type.
func (s *source) fields(primary string) message {
	m := message{}
	for _, field := range schema()[primary] {
		switch field.Type {
		case "address":
			m[field.Name] = common.BytesToAddress(s.bytes(20)).Hex()
		case "bytes32":
			m[field.Name] = s.word()
		case "string":
			m[field.Name] = s.text()
		case "uint128": // amounts; Go holds them in 64 bits
			m[field.Name] = strconv.FormatUint(s.number(64), 10)
		case "uint64":
			m[field.Name] = s.number(64)
		case "uint32":
			m[field.Name] = s.number(32)
		case "LaneTotal[]":
			m[field.Name] = s.lanes()
		default:
			panic("no rule for type " + field.Type)
		}
	}
	return m
}

// lanes draws 1 to 8 lanes in ascending order of payees, as the contract demands.
func (s *source) lanes() []message {
	lanes := make([]message, 1+s.IntN(8))
	for i := range lanes {
		lanes[i] = s.fields("LaneTotal")
	}
	slices.SortFunc(lanes, func(a, b message) int {
		return strings.Compare(strings.ToLower(a["payee"].(string)), strings.ToLower(b["payee"].(string)))
	})
	return lanes
}
