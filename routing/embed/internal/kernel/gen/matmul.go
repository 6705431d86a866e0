package main

import "fmt"

const (
	panelBytes = 128 // one row of a panel: 32 float32
	unroll     = 4
	// prefetchBytes is how far dequantize reads ahead: the next call's weights come while the matrix product between
	// the two calls runs.
	prefetchBytes = 4096
)

// isa is what differs between the instruction sets in a matrix product.
type isa struct {
	name    string
	reg     string // register letter
	bytes   int    // bytes of a register
	scratch int    // first register that is no accumulator: two panel vectors and one broadcast
}

var (
	avx2   = isa{name: "AVX2", reg: "Y", bytes: 32, scratch: 12}
	avx512 = isa{name: "AVX512", reg: "Z", bytes: 64, scratch: 24}
)

// mulPanel writes mul<ISA>x<rows>: rows times two registers of output columns, accumulated in registers. Every sum
// starts at its value in init (row stride ldi; 0 gives all rows the same) and takes its products in the order of k by
// fused multiply-add, so that neither the row count nor the register width nor a cut in depth changes a result.
func (p *printer) mulPanel(s isa, rows int) {
	p.text(fmt.Sprintf("mul%sx%d", s.name, rows), 64,
		fmt.Sprintf("func mul%sx%d(out *float32, ldo int, x *float32, ldx int, depth int, panel, init *float32, ldi int)", s.name, rows))
	p.op("MOVQ out+0(FP), DI")
	p.op("MOVQ ldo+8(FP), R8")
	p.op("SHLQ $2, R8")
	p.op("MOVQ x+16(FP), SI")
	p.op("MOVQ ldx+24(FP), R9")
	p.op("SHLQ $2, R9")
	p.op("MOVQ depth+32(FP), CX")
	p.op("MOVQ panel+40(FP), DX")
	p.op("MOVQ init+48(FP), BX")
	p.op("MOVQ ldi+56(FP), AX")
	p.op("SHLQ $2, AX")
	bases := []string{"SI", "R11", "R12", "R13"}[:(rows+2)/3] // each reaches three rows
	if len(bases) > 1 {
		p.op("LEAQ (R9)(R9*2), R10")
	}
	for i := 1; i < len(bases); i++ {
		p.op("LEAQ (%s)(R10*1), %s", bases[i-1], bases[i])
	}
	for r := range rows {
		p.op("VMOVUPS (BX), %s%d", s.reg, 2*r)
		p.op("VMOVUPS %d(BX), %s%d", s.bytes, s.reg, 2*r+1)
		if r+1 < rows {
			p.op("ADDQ AX, BX")
		}
	}
	label := fmt.Sprintf("%sx%d", s.name, rows)
	p.op("SUBQ $%d, CX", unroll)
	p.op("JLT tail%s", label)
	p.line("loop%s:", label)
	p.mulSteps(s, rows, bases, unroll)
	p.op("SUBQ $%d, CX", unroll)
	p.op("JGE loop%s", label)
	p.line("tail%s:", label)
	p.op("ADDQ $%d, CX", unroll)
	p.op("JZ done%s", label)
	p.line("step%s:", label)
	p.mulSteps(s, rows, bases, 1)
	p.op("DECQ CX")
	p.op("JNZ step%s", label)
	p.line("done%s:", label)
	for r := range rows {
		p.op("VMOVUPS %s%d, (DI)", s.reg, 2*r)
		p.op("VMOVUPS %s%d, %d(DI)", s.reg, 2*r+1, s.bytes)
		if r+1 < rows {
			p.op("ADDQ R8, DI")
		}
	}
	p.op("VZEROUPPER")
	p.op("RET")
}

// mulSteps writes `steps` consecutive k and moves the pointers behind them.
func (p *printer) mulSteps(s isa, rows int, bases []string, steps int) {
	v := s.scratch
	for k := range steps {
		p.op("VMOVUPS %d(DX), %s%d", k*panelBytes, s.reg, v)
		p.op("VMOVUPS %d(DX), %s%d", k*panelBytes+s.bytes, s.reg, v+1)
		for r := range rows {
			index := []string{"", "(R9*1)", "(R9*2)"}[r%3]
			p.op("VBROADCASTSS %d(%s)%s, %s%d", 4*k, bases[r/3], index, s.reg, v+2)
			p.op("VFMADD231PS %s%d, %s%d, %s%d", s.reg, v, s.reg, v+2, s.reg, 2*r)
			p.op("VFMADD231PS %s%d, %s%d, %s%d", s.reg, v+1, s.reg, v+2, s.reg, 2*r+1)
		}
	}
	for _, b := range bases {
		p.op("ADDQ $%d, %s", 4*steps, b)
	}
	p.op("ADDQ $%d, DX", steps*panelBytes)
}

// dequantize turns int8 panel rows into float32, 32 columns at a time.
func (p *printer) dequantize() {
	p.text("dequantizeAVX2", 40, "func dequantizeAVX2(dst *float32, q *byte, scale *float32, groups, group int)")
	p.op("MOVQ dst+0(FP), DI")
	p.op("MOVQ q+8(FP), SI")
	p.op("MOVQ scale+16(FP), DX")
	p.op("MOVQ groups+24(FP), CX")
	p.op("MOVQ group+32(FP), R8")
	p.line("nextGroup:")
	for v := range 4 {
		p.op("VMOVUPS %d(DX), Y%d", 32*v, 8+v)
	}
	p.op("ADDQ $%d, DX", panelBytes)
	p.op("MOVQ R8, BX")
	p.line("nextRow:")
	p.op("PREFETCHT0 %d(SI)", prefetchBytes)
	for v := range 4 {
		p.op("VPMOVSXBD %d(SI), Y%d", 8*v, v)
		p.op("VCVTDQ2PS Y%d, Y%d", v, v)
		p.op("VMULPS Y%d, Y%d, Y%d", 8+v, v, v)
		p.op("VMOVUPS Y%d, %d(DI)", v, 32*v)
	}
	p.op("ADDQ $32, SI")
	p.op("ADDQ $%d, DI", panelBytes)
	p.op("DECQ BX")
	p.op("JNZ nextRow")
	p.op("DECQ CX")
	p.op("JNZ nextGroup")
	p.op("VZEROUPPER")
	p.op("RET")
}
