package settlement

import (
	"fmt"
	"math/bits"
)

// Price is what an operator charges for one model.
type Price struct {
	InputPerMTok  uint64 // base units per 1,000,000 input tokens
	OutputPerMTok uint64 // base units per 1,000,000 output tokens
	PerRequest    uint64 // base units per request, whatever its length
}

// tokensPerMTok is the number of tokens that the per-MTok prices are for.
const tokensPerMTok = 1_000_000

// Cost returns what in input tokens and out output tokens cost at price p:
//
//	ceil((in*InputPerMTok + out*OutputPerMTok) / 1e6) + PerRequest
//
// The sum is taken in 128 bits and rounded up once, so a split request never costs less than a whole
// one. ErrOverflow when the result does not fit an Amount.
func Cost(p Price, in, out uint32) (Amount, error) {
	inHi, inLo := bits.Mul64(p.InputPerMTok, uint64(in))
	outHi, outLo := bits.Mul64(p.OutputPerMTok, uint64(out))
	lo, carry := bits.Add64(inLo, outLo, 0)
	hi, _ := bits.Add64(inHi, outHi, carry) // each half is below 2^32: no second carry
	tokens, err := divUp128(hi, lo, tokensPerMTok)
	if err != nil {
		return 0, fmt.Errorf("price %d input and %d output tokens: %w", in, out, err)
	}
	return Amount(tokens).Add(Amount(p.PerRequest))
}

// divUp128 returns ceil((hi<<64 + lo) / d), or ErrOverflow when that takes more than 64 bits.
func divUp128(hi, lo, d uint64) (uint64, error) {
	if hi >= d {
		return 0, ErrOverflow
	}
	q, r := bits.Div64(hi, lo, d)
	if r == 0 {
		return q, nil
	}
	if q+1 == 0 {
		return 0, ErrOverflow
	}
	return q + 1, nil
}
