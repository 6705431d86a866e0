package index

import "math"

// Similarities are exact integers, so that a decision replays bit for bit on any machine. Rows are stored as int8;
// a query is rounded to integers of about 12 bits. Both are held as float32, which holds every integer below 2^24
// exactly, and by Cauchy-Schwarz no partial sum of the dot product exceeds |row|·|query| < 2^24: whatever order, SIMD
// width or fused multiply-add a CPU uses, the sum is the same. Only then comes one correctly rounded division.
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

// query is a rounded query vector with its length.
type query struct {
	values []float32
	length float64
}

func quantizeQuery(dst []float32, v []float32) query {
	sum := 0.0
	for _, x := range v {
		sum += float64(float64(x) * float64(x))
	}
	scale := queryLength(len(v)) / math.Sqrt(sum)
	norm2 := 0.0
	for i, x := range v {
		r := math.Round(float64(float64(x) * scale))
		dst[i] = float32(r)
		norm2 += float64(r * r)
	}
	return query{values: dst, length: math.Sqrt(norm2)}
}

// similarity turns an exact integer dot product into fixed point. The lengths are correctly rounded square roots, and
// each operation here rounds once.
func similarity(dot float32, rowLength, queryLength float64) int32 {
	return int32(math.RoundToEven(float64(dot) / float64(rowLength*queryLength) * SimilarityOne))
}
