package kernel

// Kernels in kernel_amd64.s. Strides are in values; the number in a name is the number of rows.

type mulRows = func(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

// mulAVX2 and mulAVX512 hold the product for i+1 rows at i; never changed.
var (
	mulAVX2   = [...]mulRows{mulAVX2x1, mulAVX2x2, mulAVX2x3, mulAVX2x4, mulAVX2x5, mulAVX2x6}
	mulAVX512 = [...]mulRows{
		mulAVX512x1, mulAVX512x2, mulAVX512x3, mulAVX512x4, mulAVX512x5, mulAVX512x6,
		mulAVX512x7, mulAVX512x8, mulAVX512x9, mulAVX512x10, mulAVX512x11, mulAVX512x12,
	}
)

//go:noescape
func dequantizeAVX2(dst *float32, q *byte, scale *float32, groups, group int)

//go:noescape
func geluAVX2(x *float32, n int)

//go:noescape
func softmaxAVX2(row *float32, n int)

//go:noescape
func addNormAVX2(x, y, gamma, beta *float32, n int)

//go:noescape
func addScaledAVX2(sums *int32, row *byte, scale, n int)

//go:noescape
func mulAVX2x1(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX2x2(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX2x3(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX2x4(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX2x5(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX2x6(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x1(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x2(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x3(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x4(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x5(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x6(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x7(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x8(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x9(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x10(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x11(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)

//go:noescape
func mulAVX512x12(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)
