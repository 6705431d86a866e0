package settlement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Acceptance is what the gateway hands back for a receipt: its countersignature and a voucher that
// covers this receipt and all before it.
type Acceptance struct {
	ID         ReceiptID
	GatewaySig Signature
	Voucher    Voucher
	VoucherSig Signature // made by Vouched
}

// outLane is what this payer owes one payee.
type outLane struct {
	Total        Amount `json:"total"`        // all accepted receipts: the newest voucher's value
	Count        uint64 `json:"count"`        // how many they are
	Settled      Amount `json:"settled"`      // the part of Total that batches on chain cover
	SettledCount uint64 `json:"settledCount"` // how many they are
}

// pendingRecord is all that sealing needs to know of an accepted receipt.
type pendingRecord struct {
	Payee      common.Address `json:"payee"`
	Amount     Amount         `json:"amount"`
	Digest     common.Hash    `json:"digest"`
	AcceptedAt time.Time      `json:"acceptedAt"`
}

// AcceptReceipt checks a receipt that the operator has signed, countersigns it, adds it to the lane's
// total and to what is to be settled, all in one transaction, and returns when that is written. The acceptance may leave
// for the operator only after Vouched: a voucher that outlived its receipts could not be settled. b needs
// no gateway signature. Every refusal has its own error, see the Err variables; a receipt is accepted
// once (ErrReceiptReplayed after that). When the refused receipt proves a fault of its operator, the evidence is
// kept (see KeepFaults).
//
// A crash before it returns leaves the order open or the receipt accepted, never half of it; either way
// the lane's next voucher covers exactly what was accepted.
func (l *Ledger) AcceptReceipt(ctx context.Context, b Bundle) (Acceptance, error) {
	if err := b.checkForm(); err != nil || b.Partial {
		return Acceptance{}, fmt.Errorf("accept receipt: %w", errors.Join(err, errIf(b.Partial, ErrPartialForm)))
	}
	if err := b.checkOperatorSignature(); err != nil {
		return Acceptance{}, fmt.Errorf("accept receipt: %w", err)
	}
	acc, err := l.accept(ctx, b)
	if err != nil {
		// A crash before this is done loses the evidence, not money: the refused receipt is not paid either way.
		faults, keepErr := l.KeepFaults(context.WithoutCancel(ctx), b)
		if len(faults) > 0 {
			l.log.Warn("operator signed a provable fault", "receipt", b.ID(), "operator", b.Receipt.Payee, "evidence", faults)
		}
		return Acceptance{}, errors.Join(err, keepErr)
	}
	return acc, nil
}

// AcceptPartial accepts a receipt that this payer issues itself for what a broken stream delivered:
// LaneSeq 0, Partial, no operator signature (see AttachOperatorSig). The terms are the same as for
// AcceptReceipt, so the operator is paid by its advert for what arrived.
func (l *Ledger) AcceptPartial(ctx context.Context, b Bundle) (Acceptance, error) {
	if !b.Partial {
		return Acceptance{}, fmt.Errorf("accept partial receipt: %w: it is not marked partial", ErrPartialForm)
	}
	if len(b.OperatorSig) != 0 {
		return Acceptance{}, fmt.Errorf("accept partial receipt: %w: it has an operator signature", ErrPartialForm)
	}
	return l.accept(ctx, b)
}

func (l *Ledger) accept(ctx context.Context, b Bundle) (Acceptance, error) {
	id := b.ID()
	if err := l.checkOwn(b, b.Receipt.Payer); err != nil {
		return Acceptance{}, fmt.Errorf("accept receipt %s: %w", id, err)
	}
	for _, check := range []func() error{func() error { return l.checkTerms(ctx, b) }, b.checkDecision, b.checkSalt} {
		if err := check(); err != nil {
			return Acceptance{}, fmt.Errorf("accept receipt %s: %w", id, err)
		}
	}
	digest := b.Receipt.Digest(l.domain)
	sig, err := l.signOrCheck("receipt", ReceiptID(digest), b.GatewaySig)
	if err != nil {
		return Acceptance{}, fmt.Errorf("accept receipt %s: %w", id, err)
	}
	b.GatewaySig, b.Inclusion = sig, nil
	row, err := encodeRecord(idKey(prefixReceipt, id), b)
	if err != nil {
		return Acceptance{}, err
	}
	pending := pendingRecord{Payee: b.Receipt.Payee, Amount: b.Receipt.Amount, Digest: digest, AcceptedAt: time.Now()}
	var lane outLane
	err = l.write(ctx, func(tx *stagedTx) (err error) {
		lane, err = stageAccept(tx, b.Receipt, row, pending)
		return err
	}, func() { l.addBacklog(pending) })
	if err != nil {
		return Acceptance{}, fmt.Errorf("accept receipt %s: %w", id, err)
	}
	return Acceptance{ID: id, GatewaySig: sig, Voucher: lane.voucher(l.self, b.Receipt.Payee)}, nil
}

// stageAccept moves one receipt from open order to accepted and returns its lane as it is then.
func stageAccept(tx *stagedTx, r Receipt, row []byte, pending pendingRecord) (outLane, error) {
	id := r.ID()
	if known, err := tx.has(idKey(prefixOrder, id)); err != nil || !known {
		used, err2 := tx.has(idKey(prefixReceipt, id)) // an open order has no receipt, which is the dearer one to look for
		return outLane{}, cmp.Or(err, err2, errIf(used, ErrReceiptReplayed), ErrUnknownOrder)
	}
	if r.LaneSeq != 0 {
		key := seqKey(r.Payer, r.Payee, r.LaneSeq)
		if used, err := tx.has(key); err != nil || used {
			return outLane{}, errors.Join(err, errIf(used, fmt.Errorf("%w: number %d", ErrLaneSeqReused, r.LaneSeq)))
		}
		tx.putRow(key, present)
	} else {
		tx.putRow(partialKey(r.Payee, id), present)
	}
	var lane outLane
	laneAt := addressKey(prefixOut, r.Payee)
	if err := orZero(tx.get(laneAt, &lane)); err != nil {
		return outLane{}, err
	}
	total, err := lane.Total.Add(r.Amount)
	if err != nil {
		return outLane{}, fmt.Errorf("add to lane: %w", err)
	}
	lane.Total, lane.Count = total, lane.Count+1
	tx.putRow(idKey(prefixReceipt, id), row)
	tx.putRow(laneRowKey(r.Payer, r.Payee, id), present)
	tx.putRow(newestKey(pending.AcceptedAt, id), present)
	tx.del(idKey(prefixOrder, id))
	return lane, errors.Join(tx.put(laneAt, lane), tx.put(idKey(prefixPending, id), pending))
}

// present is the row of keys that say all by being there.
var present = []byte{}

// checkOwn: the bundle is for this ledger's deployment and party is its owner.
func (l *Ledger) checkOwn(b Bundle, party common.Address) error {
	if b.Domain != l.domain {
		return fmt.Errorf("%w: chain %d, contract %s", ErrWrongDomain, b.Domain.ChainID, b.Domain.Contract)
	}
	if party != l.self {
		return fmt.Errorf("%w: %s, this ledger belongs to %s", ErrWrongParty, party, l.self)
	}
	return nil
}

// signOrCheck returns the signature of digest by this ledger's key: sig when it is given and right, else a new one.
func (l *Ledger) signOrCheck(what string, digest ReceiptID, sig Signature) (Signature, error) {
	if len(sig) == 0 {
		return Sign(l.key, common.Hash(digest))
	}
	return sig, checkSigner("own signature of "+what, l.signer, common.Hash(digest), sig)
}

func (lane outLane) voucher(payer, payee common.Address) Voucher {
	return Voucher{Payer: payer, Payee: payee, ValueAggregate: lane.Total, ReceiptCount: lane.Count}
}

// orZero is the error of reading what is zero until there is a record of it.
func orZero(err error) error {
	if errors.Is(err, errNoRecord) {
		return nil
	}
	return err
}

// orUnknown turns the store's "not found" into this package's ErrUnknownReceipt.
func orUnknown(err error) error {
	if errors.Is(err, errNoRecord) {
		return ErrUnknownReceipt
	}
	return err
}
