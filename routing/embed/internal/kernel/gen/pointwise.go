package main

// exp writes Y<x> = e**Y<x> for values of at most 0, by the steps of expGeneric; Y<a> and Y<b> are overwritten.
func (p *printer) exp(x, a, b int) {
	p.op("VMAXPS %s, Y%d, Y%d", p.float("expLow", -87), x, x)
	p.op("VMULPS %s, Y%d, Y%d", p.float("log2E", 1.44269504), x, a)
	p.op("VROUNDPS $8, Y%d, Y%d", a, a) // to nearest, even
	p.op("VFNMADD231PS %s, Y%d, Y%d", p.float("ln2High", 0.693359375), a, x)
	p.op("VFNMADD231PS %s, Y%d, Y%d", p.float("ln2Low", -2.12194440e-4), a, x)
	p.op("VMOVUPS %s, Y%d", p.float("factorial6", 1.0/720), b)
	p.op("VFMADD213PS %s, Y%d, Y%d", p.float("factorial5", 1.0/120), x, b)
	p.op("VFMADD213PS %s, Y%d, Y%d", p.float("factorial4", 1.0/24), x, b)
	p.op("VFMADD213PS %s, Y%d, Y%d", p.float("factorial3", 1.0/6), x, b)
	p.op("VFMADD213PS %s, Y%d, Y%d", p.float("half", 0.5), x, b)
	p.op("VFMADD213PS %s, Y%d, Y%d", p.float("one", 1), x, b)
	p.op("VFMADD213PS %s, Y%d, Y%d", p.float("one", 1), x, b)
	p.op("VCVTPS2DQ Y%d, Y%d", a, a)
	p.op("VPSLLD $23, Y%d, Y%d", a, a)
	p.op("VPADDD Y%d, Y%d, Y%d", a, b, x)
}

// gelu follows geluGeneric.
func (p *printer) gelu() {
	p.text("geluAVX2", 16, "func geluAVX2(x *float32, n int)")
	p.op("MOVQ x+0(FP), DI")
	p.op("MOVQ n+8(FP), CX")
	p.line("nextGelu:")
	p.op("VMOVUPS (DI), Y0")
	p.op("VMULPS %s, Y0, Y1", p.float("rootHalf", 0.70710678118654752440))
	p.op("VANDPS %s, Y1, Y2", p.bits("absMask", 0x7FFFFFFF))
	p.op("VANDPS %s, Y1, Y1", p.bits("signMask", 0x80000000))
	p.op("VMOVUPS %s, Y3", p.float("one", 1))
	p.op("VMOVAPS Y3, Y4")
	p.op("VFMADD231PS %s, Y2, Y4", p.float("erfP", 0.3275911))
	p.op("VDIVPS Y4, Y3, Y4") // t
	p.op("VMOVUPS %s, Y5", p.float("erfA5", 1.061405429))
	p.op("VFMADD213PS %s, Y4, Y5", p.float("erfA4", -1.453152027))
	p.op("VFMADD213PS %s, Y4, Y5", p.float("erfA3", 1.421413741))
	p.op("VFMADD213PS %s, Y4, Y5", p.float("erfA2", -0.284496736))
	p.op("VFMADD213PS %s, Y4, Y5", p.float("erfA1", 0.254829592))
	p.op("VMULPS Y4, Y5, Y5")
	p.op("VMULPS Y2, Y2, Y2")
	p.op("VXORPS %s, Y2, Y2", p.bits("signMask", 0x80000000))
	p.exp(2, 6, 7)
	p.op("VFNMADD231PS Y2, Y5, Y3") // erf of the absolute value
	p.op("VORPS Y1, Y3, Y3")
	p.op("VMULPS %s, Y0, Y0", p.float("half", 0.5))
	p.op("VFMADD231PS Y3, Y0, Y0")
	p.op("VMOVUPS Y0, (DI)")
	p.op("ADDQ $32, DI")
	p.op("SUBQ $8, CX")
	p.op("JG nextGelu")
	p.op("VZEROUPPER")
	p.op("RET")
}

// fold writes X<x> = the sum or maximum of the eight lanes of Y<x>, in the order of addLanes; X<a> is overwritten.
func (p *printer) fold(op string, x, a int) {
	p.op("VEXTRACTF128 $1, Y%d, X%d", x, a)
	p.op("V%sPS X%d, X%d, X%d", op, a, x, x)
	p.op("VMOVHLPS X%d, X%d, X%d", x, x, a)
	p.op("V%sPS X%d, X%d, X%d", op, a, x, x)
	p.op("VMOVSHDUP X%d, X%d", x, a)
	p.op("V%sSS X%d, X%d, X%d", op, a, x, x)
}

// loop writes body once per eight values, with the byte offset in AX and the number of bytes in CX.
func (p *printer) loop(label string, body func()) {
	p.op("XORQ AX, AX")
	p.line("%s:", label)
	body()
	p.op("ADDQ $32, AX")
	p.op("CMPQ AX, CX")
	p.op("JLT %s", label)
}

// softmax follows softmaxGeneric; the caller pads the row with -Inf, which adds exp(-87) = 1e-38 to the sum.
func (p *printer) softmax() {
	p.text("softmaxAVX2", 16, "func softmaxAVX2(row *float32, n int)")
	p.op("MOVQ row+0(FP), DI")
	p.op("MOVQ n+8(FP), CX")
	p.op("SHLQ $2, CX")
	p.op("VMOVUPS (DI), Y0")
	p.loop("largest", func() { p.op("VMAXPS (DI)(AX*1), Y0, Y0") })
	p.fold("MAX", 0, 1)
	p.op("VBROADCASTSS X0, Y0")
	p.op("VXORPS Y4, Y4, Y4")
	p.loop("exponents", func() {
		p.op("VMOVUPS (DI)(AX*1), Y1")
		p.op("VSUBPS Y0, Y1, Y1")
		p.exp(1, 2, 3)
		p.op("VMOVUPS Y1, (DI)(AX*1)")
		p.op("VADDPS Y1, Y4, Y4")
	})
	p.fold("ADD", 4, 1)
	p.op("VMOVUPS %s, Y0", p.float("one", 1))
	p.op("VDIVSS X4, X0, X0")
	p.op("VBROADCASTSS X0, Y0")
	p.loop("divide", func() {
		p.op("VMULPS (DI)(AX*1), Y0, Y1")
		p.op("VMOVUPS Y1, (DI)(AX*1)")
	})
	p.op("VZEROUPPER")
	p.op("RET")
}

// addNorm follows addNormGeneric.
func (p *printer) addNorm() {
	p.text("addNormAVX2", 40, "func addNormAVX2(x, y, gamma, beta *float32, n int)")
	p.op("MOVQ x+0(FP), DI")
	p.op("MOVQ y+8(FP), SI")
	p.op("MOVQ gamma+16(FP), DX")
	p.op("MOVQ beta+24(FP), BX")
	p.op("MOVQ n+32(FP), CX")
	p.op("VXORPS X5, X5, X5")
	p.op("VCVTSI2SSQ CX, X5, X5") // n as a float
	p.op("SHLQ $2, CX")
	p.op("VXORPS Y0, Y0, Y0")
	p.loop("add", func() {
		p.op("VMOVUPS (DI)(AX*1), Y1")
		p.op("VADDPS (SI)(AX*1), Y1, Y1")
		p.op("VMOVUPS Y1, (DI)(AX*1)")
		p.op("VADDPS Y1, Y0, Y0")
	})
	p.fold("ADD", 0, 1)
	p.op("VDIVSS X5, X0, X0")
	p.op("VBROADCASTSS X0, Y0") // mean
	p.op("VXORPS Y2, Y2, Y2")
	p.loop("center", func() {
		p.op("VMOVUPS (DI)(AX*1), Y1")
		p.op("VSUBPS Y0, Y1, Y1")
		p.op("VMOVUPS Y1, (DI)(AX*1)")
		p.op("VFMADD231PS Y1, Y1, Y2")
	})
	p.fold("ADD", 2, 1)
	p.op("VDIVSS X5, X2, X2")
	p.op("VADDSS %s, X2, X2", p.float("epsilon", 1e-12))
	p.op("VSQRTSS X2, X2, X2")
	p.op("VMOVUPS %s, Y0", p.float("one", 1))
	p.op("VDIVSS X2, X0, X0")
	p.op("VBROADCASTSS X0, Y0")
	p.loop("scale", func() {
		p.op("VMULPS (DI)(AX*1), Y0, Y1")
		p.op("VMOVUPS (DX)(AX*1), Y2")
		p.op("VFMADD213PS (BX)(AX*1), Y2, Y1")
		p.op("VMOVUPS Y1, (DI)(AX*1)")
	})
	p.op("VZEROUPPER")
	p.op("RET")
}

// addScaled follows addScaledGeneric: integers, so nothing is rounded.
func (p *printer) addScaled() {
	p.text("addScaledAVX2", 32, "func addScaledAVX2(sums *int32, row *byte, scale, n int)")
	p.op("MOVQ sums+0(FP), DI")
	p.op("MOVQ row+8(FP), SI")
	p.op("MOVQ n+24(FP), CX")
	p.op("VPBROADCASTD scale+16(FP), Y0")
	p.line("nextSums:")
	p.op("VPMOVSXBD (SI), Y1")
	p.op("VPMULLD Y0, Y1, Y1")
	p.op("VPADDD (DI), Y1, Y1")
	p.op("VMOVDQU Y1, (DI)")
	p.op("ADDQ $8, SI")
	p.op("ADDQ $32, DI")
	p.op("SUBQ $8, CX")
	p.op("JG nextSums")
	p.op("VZEROUPPER")
	p.op("RET")
}
