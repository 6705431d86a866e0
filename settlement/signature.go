package settlement

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// Signature is a secp256k1 signature of an EIP-712 digest: 65 bytes r ‖ s ‖ v with v 27 or 28 and s in
// the lower half of the group, so that one message and key have one accepted form. Identify things by
// digests, never by signatures.
type Signature []byte

// SignatureLen is the length of every valid Signature in bytes.
const SignatureLen = 65

// Sign signs digest with key. The nonce is deterministic (RFC 6979): the same inputs give the same bytes.
func Sign(key *ecdsa.PrivateKey, digest common.Hash) (Signature, error) {
	sig, err := crypto.Sign(digest[:], key)
	if err != nil {
		return nil, fmt.Errorf("sign digest: %w", err)
	}
	sig[64] += 27
	return sig, nil
}

// Recover returns the address whose key signed digest. ErrBadSignature for a wrong length, a v other
// than 27 or 28, a zero or high s, or a point that is not on the curve. Any well-formed signature
// recovers to some address: compare it with the one you expect (see checkSigner).
func Recover(digest common.Hash, sig Signature) (common.Address, error) {
	if len(sig) != SignatureLen {
		return common.Address{}, fmt.Errorf("recover signer: %w: %d bytes, want %d", ErrBadSignature, len(sig), SignatureLen)
	}
	v := sig[64]
	if v != 27 && v != 28 {
		return common.Address{}, fmt.Errorf("recover signer: %w: v is %d, want 27 or 28", ErrBadSignature, v)
	}
	var raw [SignatureLen]byte
	copy(raw[:], sig)
	raw[64] = v - 27
	if !inLowerHalf(sig[:32], sig[32:64]) {
		return common.Address{}, fmt.Errorf("recover signer: %w: r or s out of range, or s is high", ErrBadSignature)
	}
	pub, err := crypto.Ecrecover(digest[:], raw[:]) // 0x04 ‖ x ‖ y
	if err != nil {
		return common.Address{}, fmt.Errorf("recover signer: %w: %w", ErrBadSignature, err)
	}
	return common.Address(crypto.Keccak256(pub[1:])[12:]), nil
}

// checkSigner returns ErrBadSignature unless want signed digest. who names the signer in the error.
func checkSigner(who string, want common.Address, digest common.Hash, sig Signature) error {
	got, err := Recover(digest, sig)
	if err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	return sameSigner(who, want, got)
}

func sameSigner(who string, want, got common.Address) error {
	if got != want {
		return fmt.Errorf("%s: %w: made by %s, want %s", who, ErrBadSignature, got, want)
	}
	return nil
}

// MarshalText returns 0x and hex digits; an empty signature is "0x".
func (s Signature) MarshalText() ([]byte, error) { return hexutil.Bytes(s).MarshalText() }

// UnmarshalText reads 0x and hex digits: 65 bytes, or none for a signature that is not there yet.
func (s *Signature) UnmarshalText(text []byte) error {
	var raw hexutil.Bytes
	if err := raw.UnmarshalText(text); err != nil {
		return fmt.Errorf("read signature: %w", err)
	}
	if len(raw) != 0 && len(raw) != SignatureLen {
		return fmt.Errorf("read signature: %d bytes, want %d", len(raw), SignatureLen)
	}
	*s = Signature(raw)
	if len(raw) == 0 {
		*s = nil // one form for "not there": nil
	}
	return nil
}

// String hides the bytes: signatures do not belong in logs.
func (s Signature) String() string { return fmt.Sprintf("signature(%d bytes)", len(s)) }

// inLowerHalf says whether r and s are in range and s is at most half the group order (EIP-2).
func inLowerHalf(r, s []byte) bool {
	return crypto.ValidateSignatureValues(0, new(big.Int).SetBytes(r), new(big.Int).SetBytes(s), true)
}
