package kernel

import (
	"math"

	"golang.org/x/sys/cpu"
)

//go:generate sh -c "go run ./gen > kernel_amd64.s"

// All returns the sets that this machine runs, the slowest first.
func All() []*Set {
	sets := []*Set{Generic()}
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return sets
	}
	fast := Set{
		Name:       "avx2",
		Dequantize: dequantizeFast,
		MulPanel:   mulPanelAVX2,
		GELU:       func(x []float32) { geluAVX2(&x[0], len(x)) },
		Softmax:    softmaxFast,
		AddNorm: func(x, y, gamma, beta []float32) {
			addNormAVX2(&x[0], &y[:len(x)][0], &gamma[:len(x)][0], &beta[:len(x)][0], len(x))
		},
		AddScaled: func(sums []int32, row []byte, scale uint16) {
			addScaledAVX2(&sums[0], &row[:len(sums)][0], int(scale), len(sums))
		},
	}
	sets = append(sets, &fast)
	if cpu.X86.HasAVX512F {
		wide := fast
		wide.Name, wide.MulPanel = "avx512", mulPanelAVX512
		sets = append(sets, &wide)
	}
	return sets
}

func dequantizeFast(dst []float32, q []byte, scale []float32, group int) {
	groups := len(q) / Panel / group
	_, _ = dst[len(q)-1], scale[groups*Panel-1]
	dequantizeAVX2(&dst[0], &q[0], &scale[0], groups, group)
}

func softmaxFast(row []float32, n int) {
	used := row[:(n+Lanes-1)/Lanes*Lanes]
	for i := n; i < len(used); i++ {
		used[i] = float32(math.Inf(-1))
	}
	softmaxAVX2(&used[0], len(used))
	clear(row[n:])
}

// start returns where the sums start: at bias for every row, or at out itself. It panics in Go, instead of letting
// assembly corrupt memory, when a caller's shapes are wrong.
func start(out []float32, ldo int, x []float32, ldx, m, depth int, panel, bias []float32) (init []float32, ldi int) {
	_, _, _ = out[(m-1)*ldo+Panel-1], x[(m-1)*ldx+depth-1], panel[depth*Panel-1]
	if bias == nil {
		return out, ldo
	}
	return bias[:Panel], 0
}

// share returns how many of the m rows left the next call takes: the fewest calls of at most `most` rows, as even as
// possible, because few rows do not fill the multipliers.
func share(m, most int) int {
	calls := (m + most - 1) / most
	return (m + calls - 1) / calls
}

func mulPanelAVX2(out []float32, ldo int, x []float32, ldx, m, depth int, panel, bias []float32) {
	init, ldi := start(out, ldo, x, ldx, m, depth, panel, bias)
	for half := 0; half < Panel; half += Panel / 2 {
		for i, rows := 0, 0; i < m; i += rows {
			rows = share(m-i, len(mulAVX2))
			mulAVX2[rows-1](&out[i*ldo+half], ldo, &x[i*ldx], ldx, depth, &panel[half], &init[i*ldi+half], ldi)
		}
	}
}

func mulPanelAVX512(out []float32, ldo int, x []float32, ldx, m, depth int, panel, bias []float32) {
	init, ldi := start(out, ldo, x, ldx, m, depth, panel, bias)
	for i, rows := 0, 0; i < m; i += rows {
		rows = share(m-i, len(mulAVX512))
		mulAVX512[rows-1](&out[i*ldo], ldo, &x[i*ldx], ldx, depth, &panel[0], &init[i*ldi], ldi)
	}
}
