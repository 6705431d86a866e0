package index

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
)

// Similarities are exact integers, so that a decision replays bit for bit on any machine. Rows are stored as int8;
// a query is rounded to integers of about 12 bits, and by Cauchy-Schwarz no partial sum of the dot product exceeds
// |row|·|query| < 2^24: whatever order and width a CPU adds in, the sum is the same. Only then comes one correctly
// rounded division.
const (
	rowPeak = 127 // |component| of the largest component of a stored row

	// SimilarityOne is similarity 1.0 in the fixed-point unit of scans and neighbours (2^20 = 1e-6 resolution).
	SimilarityOne = 1 << 20
)

// queryLength is the Euclidean length a query is scaled to before rounding: the largest power of two for which
// 127·√dim·(length+√dim/2) stays below 2^24.
func queryLength(dim int) float64 {
	root := math.Sqrt(float64(dim))
	for l := 4096.0; l > 1; l /= 2 {
		if float64(rowPeak*root)*(l+root/2) < 1<<24 {
			return l
		}
	}
	return 1
}

// quantizeRow scales v so that its largest component is ±127 and rounds. The scale is not kept: similarities divide by
// the integer vector's own length.
func quantizeRow(dst []int8, v []float32) {
	peak := float32(0)
	for _, x := range v {
		peak = max(peak, float32(math.Abs(float64(x))))
	}
	for i, x := range v {
		dst[i] = int8(math.Round(float64(x) / float64(peak) * rowPeak))
	}
}

// Query is a vector rounded to the integers that a scan compares with, about 12 bits each. It is what a decision
// records: from it and the index every similarity follows exactly, on any machine.
type Query []int16

// Quantize rounds vector to a Query of this index: scaled to a fixed length, so any positive length will do.
func (x *Index) Quantize(vector []float32) (Query, error) {
	if len(vector) != x.dim {
		return nil, fmt.Errorf("quantize query: %d values, the index has %d", len(vector), x.dim)
	}
	return quantizeQuery(vector)
}

func quantizeQuery(vector []float32) (Query, error) {
	sum := 0.0
	for _, v := range vector {
		sum += float64(float64(v) * float64(v))
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return nil, fmt.Errorf("quantize query: vector has squared length %v", sum)
	}
	scale := queryLength(len(vector)) / math.Sqrt(sum)
	q := make(Query, len(vector))
	for i, v := range vector {
		q[i] = int16(math.Round(float64(float64(v) * scale)))
	}
	return q, nil
}

// length is the Euclidean length of q. A query that did not come from Quantize may be too long for exact sums.
func (q Query) length(dim int) (float64, error) {
	if len(q) != dim {
		return 0, fmt.Errorf("query has %d values, the index has %d", len(q), dim)
	}
	sum := int64(0)
	for _, v := range q {
		sum += int64(v) * int64(v)
	}
	length := math.Sqrt(float64(sum))
	if most := queryLength(dim) + math.Sqrt(float64(dim))/2; !(length > 0 && length <= most) {
		return 0, fmt.Errorf("query has length %.1f, want more than 0 and at most %.1f", length, most)
	}
	return length, nil
}

// MarshalText writes q as base64 of its values, little-endian.
func (q Query) MarshalText() ([]byte, error) {
	raw := make([]byte, 0, 2*len(q))
	for _, v := range q {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
	}
	return base64.StdEncoding.AppendEncode(nil, raw), nil
}

// UnmarshalText reads what MarshalText wrote, at most MaxDim values.
func (q *Query) UnmarshalText(text []byte) error {
	if base64.StdEncoding.DecodedLen(len(text)) > 2*MaxDim+2 {
		return fmt.Errorf("read query: more than %d values", MaxDim)
	}
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("read query: %w", err)
	}
	if len(raw)%2 != 0 {
		return fmt.Errorf("read query: %d bytes, want two a value", len(raw))
	}
	*q = make(Query, len(raw)/2)
	for i := range *q {
		(*q)[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return nil
}

// similarity turns an exact integer dot product into fixed point. The lengths are correctly rounded square roots, and
// each operation here rounds once.
func similarity(dot int32, rowLength, queryLength float64) int32 {
	return int32(math.RoundToEven(float64(dot) / float64(rowLength*queryLength) * SimilarityOne))
}

// lengths are those of rows.
type lengths struct {
	exact   []float64 // correctly rounded
	inverse []float32 // nearly 1/exact
}

// add appends the length of a row, from its square.
func (l *lengths) add(square int32) {
	l.exact, l.inverse = append(l.exact, 0), append(l.inverse, 0)
	l.set(uint32(len(l.exact)-1), square)
}

// set replaces a row's.
func (l *lengths) set(row uint32, square int32) {
	l.exact[row] = math.Sqrt(float64(square))
	l.inverse[row] = float32(1 / l.exact[row])
}
