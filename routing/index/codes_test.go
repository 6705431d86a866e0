package index

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The tables are the quotients that their comment names, whatever the query: which rows are compared exactly, and so what
// a record says, hangs on each of them.
func TestCodeTablesAreExactQuotients(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		peak := rapid.SampledFrom([]int16{1, 3, 300, 4200, math.MaxInt16}).Draw(rt, "peak")
		q := Query(rapid.SliceOfN(rapid.Int16Range(-peak, peak), 1, 60).Draw(rt, "query"))
		got := make([]byte, codeWidth(len(q))*32)
		codeTables(got, q)
		if want := dividedTables(q); !slices.Equal(got, want) {
			rt.Fatalf("%v: tables %v, want %v", q, got, want)
		}
	})
}

// dividedTables are codeTables by plain division.
func dividedTables(q Query) []byte {
	out := make([]byte, codeWidth(len(q))*32)
	even := append(slices.Clone(q), make(Query, len(q)%2)...)
	size := func(v int16) int { return large * int(math.Abs(float64(v))) }
	widest := 1
	for at := 0; at < len(even); at += 2 {
		widest = max(widest, size(even[at])+size(even[at+1]))
	}
	stands := []int{small, -small, large, -large}
	for at := 0; at < len(even); at += 2 {
		middle := size(even[at]) + size(even[at+1])
		for code := range 16 {
			sum := middle + int(even[at])*stands[code&3] + int(even[at+1])*stands[code>>2]
			out[at*8+code] = byte(sum * int(maxEntry(len(q))) / (2 * widest))
		}
	}
	return out
}
