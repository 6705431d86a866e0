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

// checkBounds panics in Go, instead of corrupting memory in assembly, when a caller's shapes are wrong.
func checkBounds(out []float32, ldo int, x []float32, ldx, m, depth int, panel, bias []float32) {
	_, _, _, _ = out[(m-1)*ldo+Panel-1], x[(m-1)*ldx+depth-1], panel[depth*Panel-1], bias[Panel-1]
}

func mulPanelAVX2(out []float32, ldo int, x []float32, ldx, m, depth int, panel, bias []float32) {
	checkBounds(out, ldo, x, ldx, m, depth, panel, bias)
	for half := 0; half < Panel; half += Panel / 2 {
		w, b := &panel[half], &bias[half]
		for i := 0; i < m; i += len(mulAVX2) {
			rows := min(len(mulAVX2), m-i)
			mulAVX2[rows-1](&out[i*ldo+half], ldo, &x[i*ldx], ldx, depth, w, b)
		}
	}
}

func mulPanelAVX512(out []float32, ldo int, x []float32, ldx, m, depth int, panel, bias []float32) {
	checkBounds(out, ldo, x, ldx, m, depth, panel, bias)
	for i := 0; i < m; i += len(mulAVX512) {
		rows := min(len(mulAVX512), m-i)
		mulAVX512[rows-1](&out[i*ldo], ldo, &x[i*ldx], ldx, depth, &panel[0], &bias[0])
	}
}
