package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func randoms(r *rand.Rand, n int, scale float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(r.NormFloat64() * scale)
	}
	return out
}

func checkClose(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= tolerance*(1+math.Abs(want[i]))) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// TestMulPanel compares every set with float64 arithmetic, for every row count up to two full blocks and depths that
// exercise the unrolled loop and its tail, and checks that nothing beside the result is written.
func TestMulPanel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, set := range All() {
		for m := 1; m <= 25; m++ {
			for _, depth := range []int{1, 2, 3, 4, 5, 31, 32, 384} {
				ldx, ldo := depth+3, Panel+5
				x, panel, bias := randoms(r, m*ldx, 1), randoms(r, depth*Panel, 1), randoms(r, Panel, 1)
				out := make([]float32, m*ldo)
				set.MulPanel(out, ldo, x, ldx, m, depth, panel, bias)
				want := make([]float64, m*ldo)
				for i := range m {
					for j := range Panel {
						sum := float64(bias[j])
						for k := range depth {
							sum += float64(x[i*ldx+k]) * float64(panel[k*Panel+j])
						}
						want[i*ldo+j] = sum
					}
				}
				checkClose(t, fmt.Sprintf("%s %d rows depth %d", set.Name, m, depth), out, want, 1e-4)
			}
		}
	}
}

// TestRowsAreIndependent: a row's result must not depend on the rows computed with it, nor on AVX2 or AVX-512.
func TestRowsAreIndependent(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	const m, depth = 29, 384
	x, panel, bias := randoms(r, m*depth, 1), randoms(r, depth*Panel, 1), randoms(r, Panel, 1)
	fused := map[bool][]float32{}
	for _, set := range All() {
		all, one := make([]float32, m*Panel), make([]float32, m*Panel)
		set.MulPanel(all, Panel, x, depth, m, depth, panel, bias)
		for i := range m {
			set.MulPanel(one[i*Panel:], Panel, x[i*depth:], depth, 1, depth, panel, bias)
		}
		if !slices.Equal(all, one) {
			t.Errorf("%s: rows computed alone differ from rows computed together", set.Name)
		}
		isFused := set.Name != "generic"
		if before, ok := fused[isFused]; ok && !slices.Equal(before, all) {
			t.Errorf("%s: not bit-identical with the other fused set", set.Name)
		}
		fused[isFused] = all
	}
}

// TestDepthInParts: a product made in two parts of the depth has the bits of one made at once.
func TestDepthInParts(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	const depth, cut = 384, 130
	for _, set := range All() {
		for m := 1; m <= 25; m++ {
			x, panel, bias := randoms(r, m*depth, 1), randoms(r, depth*Panel, 1), randoms(r, Panel, 1)
			whole, parts := make([]float32, m*Panel), make([]float32, m*Panel)
			set.MulPanel(whole, Panel, x, depth, m, depth, panel, bias)
			set.MulPanel(parts, Panel, x, depth, m, cut, panel, bias)
			set.MulPanel(parts, Panel, x[cut:], depth, m, depth-cut, panel[cut*Panel:], nil)
			if !slices.Equal(whole, parts) {
				t.Errorf("%s: %d rows: parts differ from the whole", set.Name, m)
			}
		}
	}
}

func TestDequantize(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const depth, group = 192, 64
	q := make([]byte, depth*Panel)
	for i := range q {
		q[i] = byte(r.IntN(256))
	}
	scale := randoms(r, depth/group*Panel, 1)
	want := make([]float32, len(q))
	for k := range depth {
		for j := range Panel {
			want[k*Panel+j] = float32(int8(q[k*Panel+j])) * scale[k/group*Panel+j]
		}
	}
	for _, set := range All() {
		got := make([]float32, len(q))
		set.Dequantize(got, q, scale, group)
		if !slices.Equal(got, want) {
			t.Errorf("%s: wrong values", set.Name)
		}
	}
}

func TestGELU(t *testing.T) {
	x := make([]float32, 0, 4096)
	for v := -20.0; len(x) < cap(x); v += 40.0 / 4096 {
		x = append(x, float32(v))
	}
	x[0], x[1], x[2] = 0, 1e-30, -1e30
	want := make([]float64, len(x))
	for i, v := range x {
		want[i] = float64(v) * 0.5 * math.Erfc(-float64(v)/math.Sqrt2)
	}
	for _, set := range All() {
		got := slices.Clone(x)
		set.GELU(got)
		for i := range got {
			if d := math.Abs(float64(got[i]) - want[i]); !(d <= 3e-7*(1+math.Abs(float64(min(20, max(-20, x[i])))))) {
				t.Fatalf("%s: GELU(%v) = %v, want %v", set.Name, x[i], got[i], want[i])
			}
		}
	}
}

func TestSoftmax(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, set := range All() {
		for _, n := range []int{1, 2, 7, 8, 9, 31, 32, 33, 255, 256} {
			for _, scale := range []float64{0, 1, 30, 1000} {
				row := append(randoms(r, n, scale), randoms(r, (32-n%32)%32, 1e30)...)
				want, sum, top := make([]float64, len(row)), 0.0, float64(slices.Max(row[:n]))
				for i := range n {
					want[i] = math.Exp(float64(row[i]) - top)
					sum += want[i]
				}
				for i := range n {
					want[i] /= sum
				}
				set.Softmax(row, n)
				checkClose(t, fmt.Sprintf("%s n=%d scale=%g", set.Name, n, scale), row, want, 1e-6)
			}
		}
	}
}

func TestAddNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	const n = 384
	x, y, gamma, beta := randoms(r, n, 3), randoms(r, n, 1), randoms(r, n, 1), randoms(r, n, 1)
	mean, variance, want := 0.0, 0.0, make([]float64, n)
	for i := range want {
		want[i] = float64(x[i]) + float64(y[i])
		mean += want[i] / n
	}
	for _, v := range want {
		variance += (v - mean) * (v - mean) / n
	}
	for i := range want {
		want[i] = (want[i]-mean)/math.Sqrt(variance+1e-12)*float64(gamma[i]) + float64(beta[i])
	}
	for _, set := range All() {
		got := slices.Clone(x)
		set.AddNorm(got, y, gamma, beta)
		checkClose(t, set.Name, got, want, 2e-6)
	}
}

func TestAddScaled(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, set := range All() {
		row, sums, want := make([]byte, 256), make([]int32, 256), make([]int32, 256)
		for range 254 {
			scale := uint16(r.IntN(1 << 16))
			for i := range row {
				row[i] = byte(int8(r.IntN(255) - 127))
				want[i] += int32(int8(row[i])) * int32(scale)
			}
			set.AddScaled(sums, row, scale)
		}
		if !slices.Equal(sums, want) {
			t.Errorf("%s: wrong sums", set.Name)
		}
	}
}
