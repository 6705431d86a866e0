// Package kernel holds the arithmetic of the embedder: matrix products over int8 weight panels, GELU, softmax and
// LayerNorm, in plain Go and, on amd64, in generated assembly.
//
// Within one Set the value of every output depends only on its own inputs, in a fixed order of operations: not on how
// many rows are multiplied together nor on concurrency. The AVX2 and AVX-512 sets give bit-identical results; the
// portable set rounds differently in the last bits, because it has no fused multiply-add.
package kernel

const (
	// Panel is the number of output channels that a weight panel keeps side by side.
	Panel = 32
	// Lanes is the number of partial sums in every reduction, and the alignment of row lengths that need it.
	Lanes = 8
)

// A Set is one implementation of all kernels.
type Set struct {
	// Name tells the implementation: "generic", "avx2" or "avx512".
	Name string

	// Dequantize writes dst[k*Panel+j] = int8(q[k*Panel+j]) * scale[(k/group)*Panel+j] for k < len(q)/Panel.
	Dequantize func(dst []float32, q []byte, scale []float32, group int)

	// MulPanel computes, for row i < m and column j < Panel,
	//
	//	out[i*ldo+j] = bias[j] + sum over k < depth of x[i*ldx+k] * panel[k*Panel+j]
	//
	// adding in the order of k. Without a bias (nil) the sum starts at what out holds: a depth cut into parts gives the
	// same bits as one call. out must not overlap x or panel.
	MulPanel func(out []float32, ldo int, x []float32, ldx, m, depth int, panel, bias []float32)

	// GELU replaces each x by x * Phi(x), Phi the normal distribution function (error below 3e-7). len(x) is a
	// multiple of Lanes.
	GELU func(x []float32)

	// Softmax replaces row[:n] by exp(row-max)/sum and the rest of row by 0. len(row) is a multiple of Lanes.
	Softmax func(row []float32, n int)

	// AddNorm computes x = LayerNorm(x + y) * gamma + beta over one row, with variance epsilon 1e-12. len(x) is a
	// multiple of Lanes.
	AddNorm func(x, y, gamma, beta []float32)

	// AddScaled adds int8(row[i]) * scale to sums[i]; the caller sees to it that 32 bits are enough. len(sums) is a
	// multiple of Lanes.
	AddScaled func(sums []int32, row []byte, scale uint16)
}
