package node

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/fxamacker/cbor/v2"

	"flotilla/settlement"
)

// p2p carries orders, receipts and vouchers as opaque bytes; this file is what those bytes are: CBOR of the
// settlement messages, decoded strictly. Their meaning is fixed by the EIP-712 digest, not by the encoding.

var wire = func() (modes struct {
	enc cbor.EncMode
	dec cbor.DecMode
}) {
	var err, err2 error
	modes.enc, err = cbor.CoreDetEncOptions().EncMode()
	modes.dec, err2 = cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode()
	if err := errors.Join(err, err2); err != nil {
		panic(err) // options that contradict one another
	}
	return modes
}()

// orderExtra travels beside the order: what the operator needs to check the salted hashes.
type orderExtra struct {
	Salt hexutil.Bytes `json:"salt"` // 32 random bytes, known to both ends only
}

// ledgerRequest is what a gateway brings an operator after a stream broke.
type ledgerRequest struct {
	// Partials are receipts that the gateway issued for streams that broke; the operator countersigns them.
	Partials []settlement.Bundle `json:"partials,omitempty"`
	// Voucher is the newest cumulative promise on the lane between the two, nil when there is none yet.
	Voucher    *settlement.Voucher  `json:"voucher,omitempty"`
	VoucherSig settlement.Signature `json:"voucher_sig,omitempty"`
}

type ledgerReply struct {
	// Signatures holds the operator's signature for each partial receipt that it accepts, by receipt id.
	Signatures map[string]settlement.Signature `json:"signatures,omitempty"`
}

const saltBytes = settlement.SaltLen

func encode(v any) ([]byte, error) {
	b, err := wire.enc.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return b, nil
}

// decode is strict: unknown fields and trailing bytes are refused, because both ends sign what they understood.
func decode(b []byte, v any) error {
	if err := wire.dec.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}

// answerHash runs over an answer's pieces: h_0 = keccak256(salt), h_n = keccak256(h_{n-1} ‖ piece_n). Both ends know
// it for any prefix, so a broken answer has a hash for exactly what was delivered.
type answerHash struct{ sum common.Hash }

func newAnswerHash(salt []byte) *answerHash { return &answerHash{crypto.Keccak256Hash(salt)} }

func (h *answerHash) add(piece []byte) { h.sum = crypto.Keccak256Hash(h.sum[:], piece) }
