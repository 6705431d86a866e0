package settlement

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// BatchBundle is everything that a stranger needs to verify one batch, besides the chain: which lane totals the payer
// signed, and the digests of the receipts that they stand for. It tells nothing of the receipts themselves.
type BatchBundle struct {
	Domain   Domain        `json:"domain"`
	Batch    Batch         `json:"batch"`
	PayerSig Signature     `json:"payerSig"` // by Batch.Payer
	Digests  []common.Hash `json:"digests"`  // of the receipts, in the order of their leaves
}

// MaxBatchBundleBytes bounds a batch bundle: 70 bytes a receipt and 120 a lane.
const MaxBatchBundleBytes = 4 << 20

// DecodeBatchBundle reads one batch bundle from JSON. Unknown fields, text after the object and anything larger than
// MaxBatchBundleBytes are errors: what a verifier does not understand it must not pass over.
func DecodeBatchBundle(data []byte) (BatchBundle, error) {
	var b BatchBundle
	if err := decodeStrictly(data, MaxBatchBundleBytes, &b); err != nil {
		return BatchBundle{}, fmt.Errorf("read batch bundle: %w", err)
	}
	return b, nil
}

// ExportBatch returns what a stranger needs to verify the payer's batch of that epoch, settled or not.
// ErrUnknownReceipt when the ledger has no such batch.
func (l *Ledger) ExportBatch(epoch uint64) (BatchBundle, error) {
	s, err := l.Batch(epoch)
	if err != nil {
		return BatchBundle{}, err
	}
	sig, err := Sign(l.key, s.Batch.Digest(l.domain)) // the same bytes as were sent: nonces are deterministic
	if err != nil {
		return BatchBundle{}, err
	}
	return BatchBundle{Domain: l.domain, Batch: s.Batch, PayerSig: sig, Digests: s.Digests}, nil
}
