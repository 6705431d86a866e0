#include "textflag.h"

// Go's assembler writes operands in the reverse of Intel's order: the destination comes last.

DATA nibble<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $8

// func dotsAVX2(dst *int32, rows *int8, dim, whole int, index *uint32, n int, q *int16)
//
// One row after the other; the first lines of the row four places ahead are fetched meanwhile, since the rows asked for
// lie scattered in memory.
TEXT ·dotsAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ rows+8(FP), SI
	MOVQ dim+16(FP), R8
	MOVQ whole+24(FP), R9
	MOVQ index+32(FP), DX
	MOVQ n+40(FP), CX
	MOVQ q+48(FP), BX
	MOVQ R9, R10
	ANDQ $-32, R10            // values that the unrolled loop takes

row:
	MOVL (DX), AX
	IMULQ R8, AX
	ADDQ SI, AX
	MOVQ DX, R11
	LEAQ 32(DX), R12
	CMPQ CX, $8
	CMOVQGT R12, R11          // near the end, fetch the row itself
	MOVL (R11), R11
	IMULQ R8, R11
	ADDQ SI, R11
	PREFETCHT0 (R11)
	PREFETCHT0 64(R11)
	PREFETCHT0 128(R11)
	PREFETCHT0 192(R11)
	PREFETCHT0 256(R11)
	PREFETCHT0 320(R11)
	PREFETCHT0 384(R11)
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	XORQ R13, R13
	CMPQ R13, R10
	JGE half

step:
	VPMOVSXBW (AX)(R13*1), Y2
	VPMOVSXBW 16(AX)(R13*1), Y3
	VPMADDWD (BX)(R13*2), Y2, Y2
	VPMADDWD 32(BX)(R13*2), Y3, Y3
	VPADDD Y2, Y0, Y0
	VPADDD Y3, Y1, Y1
	ADDQ $32, R13
	CMPQ R13, R10
	JLT step

half:
	CMPQ R13, R9
	JGE sum
	VPMOVSXBW (AX)(R13*1), Y2
	VPMADDWD (BX)(R13*2), Y2, Y2
	VPADDD Y2, Y0, Y0

sum:
	VPADDD Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD X1, X0, X0
	VPSHUFD $0x4e, X0, X1
	VPADDD X1, X0, X0
	VPSHUFD $0xb1, X0, X1
	VPADDD X1, X0, X0
	VMOVD X0, (DI)
	ADDQ $4, DI
	ADDQ $4, DX
	DECQ CX
	JNZ row
	VZEROUPPER
	RET

// func scoresAVX2(dst *uint16, codes *byte, blocks int, tables *byte, width int)
//
// A shuffle looks up 32 rows at once, so a block has two halves, which share the tables that are loaded. Four entries are
// added as bytes; then the bytes are added up as words: Y0 and Y2 get word by word the even byte plus 256 times the odd
// one, Y1 and Y3 the odd one, so that Y0 - 256*Y1 is the sum of even bytes.
TEXT ·scoresAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ codes+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ tables+24(FP), DX
	MOVQ width+32(FP), R8
	VPBROADCASTQ nibble<>(SB), Y15

block:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	MOVQ DX, BX
	MOVQ R8, R9

pair:
	VBROADCASTI128 (BX), Y12
	VBROADCASTI128 16(BX), Y13
	VMOVDQU (SI), Y4
	VMOVDQU 32(SI), Y5
	VPSRLW $4, Y4, Y6
	VPSRLW $4, Y5, Y7
	VPAND Y15, Y4, Y4
	VPAND Y15, Y5, Y5
	VPAND Y15, Y6, Y6
	VPAND Y15, Y7, Y7
	VPSHUFB Y4, Y12, Y4
	VPSHUFB Y5, Y12, Y5
	VPSHUFB Y6, Y13, Y6
	VPSHUFB Y7, Y13, Y7
	VPADDB Y6, Y4, Y4
	VPADDB Y7, Y5, Y5
	VBROADCASTI128 32(BX), Y12
	VBROADCASTI128 48(BX), Y13
	VMOVDQU 64(SI), Y8
	VMOVDQU 96(SI), Y9
	VPSRLW $4, Y8, Y10
	VPSRLW $4, Y9, Y11
	VPAND Y15, Y8, Y8
	VPAND Y15, Y9, Y9
	VPAND Y15, Y10, Y10
	VPAND Y15, Y11, Y11
	VPSHUFB Y8, Y12, Y8
	VPSHUFB Y9, Y12, Y9
	VPSHUFB Y10, Y13, Y10
	VPSHUFB Y11, Y13, Y11
	VPADDB Y10, Y8, Y8
	VPADDB Y11, Y9, Y9
	VPADDB Y8, Y4, Y4
	VPADDB Y9, Y5, Y5
	VPSRLW $8, Y4, Y6
	VPSRLW $8, Y5, Y7
	VPADDW Y4, Y0, Y0
	VPADDW Y6, Y1, Y1
	VPADDW Y5, Y2, Y2
	VPADDW Y7, Y3, Y3
	ADDQ $128, SI
	ADDQ $64, BX
	SUBQ $2, R9
	JNZ pair
	VPSLLW $8, Y1, Y4
	VPSLLW $8, Y3, Y5
	VPSUBW Y4, Y0, Y0
	VPSUBW Y5, Y2, Y2
	VPUNPCKLWD Y1, Y0, Y4      // of the first half, rows 0-7 and 16-23
	VPUNPCKHWD Y1, Y0, Y5      // rows 8-15 and 24-31
	VPUNPCKLWD Y3, Y2, Y6
	VPUNPCKHWD Y3, Y2, Y7
	VPERM2I128 $0x20, Y5, Y4, Y8
	VPERM2I128 $0x31, Y5, Y4, Y9
	VPERM2I128 $0x20, Y7, Y6, Y10
	VPERM2I128 $0x31, Y7, Y6, Y11
	VMOVDQU Y8, (DI)
	VMOVDQU Y9, 32(DI)
	VMOVDQU Y10, 64(DI)
	VMOVDQU Y11, 96(DI)
	ADDQ $128, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET

// func aboveAVX2(mask *uint64, blocks int, scores *uint16, least uint16)
//
// Half a block at a time, whose bits are half a word.
TEXT ·aboveAVX2(SB), NOSPLIT, $0-26
	MOVQ mask+0(FP), DI
	MOVQ blocks+8(FP), CX
	MOVQ scores+16(FP), SI
	VPBROADCASTW least+24(FP), Y4
	SHLQ $1, CX

next:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VPMAXUW Y0, Y4, Y2         // max(score, least) is the score: at least least
	VPMAXUW Y1, Y4, Y3
	VPCMPEQW Y0, Y2, Y0
	VPCMPEQW Y1, Y3, Y1
	VPACKSSWB Y1, Y0, Y0       // packs within halves: rows 0-7, 16-23, 8-15, 24-31
	VPERMQ $0xd8, Y0, Y0
	VPMOVMSKB Y0, AX
	MOVL AX, (DI)
	ADDQ $64, SI
	ADDQ $4, DI
	DECQ CX
	JNZ next
	VZEROUPPER
	RET
