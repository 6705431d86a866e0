package node

import (
	"errors"
	"fmt"
)

// The same chat was 37 prompt tokens on llama.cpp and 16 on Ollama, because each adds its own template. So a gateway
// cannot recount exactly; it bounds what it pays for by what it can see: the bytes that it sent and the bytes that it
// was given. A tokenizer emits at least one byte a token, but a normaliser may lengthen its input first (NFC by up to
// three times), and each message costs template tokens.
const (
	normalizerGrowth       = 3
	templateTokensMessage  = 64
	templateTokensRequest  = 256
	specialTokensPerAnswer = 16
)

// ErrTokensImplausible is returned for a token count that the delivered bytes cannot hold.
var ErrTokensImplausible = errors.New("token count is not possible for the bytes delivered")

// maxInputTokens is the most prompt tokens that a request of bodyBytes with the given number of messages can have.
func maxInputTokens(bodyBytes, messages int) uint32 {
	return clampUint32(uint64(bodyBytes)*normalizerGrowth + uint64(messages)*templateTokensMessage + templateTokensRequest)
}

// maxOutputTokens is the most tokens that the text of an answer can have. An operator charges no more: a model server counts also
// what nobody sees, such as reasoning that the client asked it to leave out.
func maxOutputTokens(textBytes uint64) uint32 { return clampUint32(textBytes + specialTokensPerAnswer) }

// checkTokens refuses counts above what the request and the delivered text can hold.
func checkTokens(in, maxIn, out, maxOut uint32, textBytes uint64) error {
	if in > maxIn {
		return fmt.Errorf("%w: %d input tokens, at most %d", ErrTokensImplausible, in, maxIn)
	}
	if most := min(maxOut, maxOutputTokens(textBytes)); out > most {
		return fmt.Errorf("%w: %d output tokens for %d bytes of text, at most %d", ErrTokensImplausible, out, textBytes, most)
	}
	return nil
}

func clampUint32(n uint64) uint32 { return uint32(min(n, 1<<32-1)) }
