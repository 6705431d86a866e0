package settlement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/durable"
)

// AttachOperatorSig adds the operator's signature to a partial receipt that this payer issued. A
// signature that is there already stays. When the operator had signed a receipt of its own for the order, the two
// are kept as evidence; a crash before that loses the evidence, not the signature.
func (l *Ledger) AttachOperatorSig(ctx context.Context, id ReceiptID, sig Signature) error {
	key := idKey(prefixReceipt, id)
	var b Bundle
	err := l.update(ctx, func(tx *stagedTx) error {
		b = Bundle{}
		if err := tx.get(key, &b); err != nil {
			return orUnknown(err)
		}
		if len(b.OperatorSig) != 0 {
			return nil
		}
		b.OperatorSig = sig
		if err := b.checkOperatorSignature(); err != nil {
			return err
		}
		tx.del(partialKey(b.Receipt.Payee, id))
		return tx.put(key, b)
	})
	if err == nil {
		err = l.keepDouble(ctx, id, SignedReceipt{b.Receipt, b.OperatorSig})
	}
	if err != nil {
		return fmt.Errorf("attach operator signature to %s: %w", id, err)
	}
	return nil
}

const (
	// leastPartialWait and mostPartialWait are how long a partial receipt that its operator did not sign is not shown to it again: twice as
	// long after each time. Some are never signed, as those for an order that the operator has its own receipt for.
	leastPartialWait = time.Minute
	mostPartialWait  = time.Hour
	// partialsAskedFor is how old a partial receipt is when nobody asks for its signature any more: an operator remembers its adverts no
	// longer, and signs nothing under others. It is paid all the same.
	partialsAskedFor = advertsKept * time.Millisecond
)

// partialWait is when to show the operator a partial receipt that it did not sign. Its row is empty before the first time.
type partialWait struct {
	Times int       `json:"times"` // that it did not sign
	Until time.Time `json:"until"`
}

func readPartialWait(key, row []byte) (w partialWait, err error) {
	if len(row) > 0 {
		err = decodeRecord(key, row, &w)
	}
	return w, err
}

// UnsignedPartials returns at most limit partial receipts that payee has not signed and may be shown at now; see PutOffPartials. Those
// under adverts of the nodes elsewhere are left out: no other node of the payee can sign them, and what one refuses is put off for all.
func (l *Ledger) UnsignedPartials(payee common.Address, limit int, now time.Time, elsewhere ...common.Hash) ([]Bundle, error) {
	prefix := addressKey(prefixPartial, payee)
	var out []Bundle
	err := l.view(func(snap reader) error {
		return durable.Scan(snap, prefix, nil, func(e entry) (bool, error) {
			wait, err := readPartialWait(e.Key, e.Value)
			if err != nil || now.Before(wait.Until) && wait.Until.Sub(now) <= mostPartialWait { // else the clock went back
				return err == nil, err
			}
			var b Bundle
			err = readRecord(snap, idKey(prefixReceipt, ReceiptID(e.Key[len(prefix):])), &b)
			if !slices.Contains(elsewhere, b.Advert.Node) {
				out = append(out, b)
			}
			return len(out) < limit, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list partial receipts of %s: %w", payee, err)
	}
	return out, nil
}

// PutOffPartials notes that their operator was shown partial receipts and did not sign them. They are shown again after a while that
// grows each time, and not at all when they are partialsAskedFor old.
func (l *Ledger) PutOffPartials(ctx context.Context, refused []Bundle, now time.Time) error {
	if len(refused) == 0 {
		return nil
	}
	err := l.update(ctx, func(tx *stagedTx) error {
		for _, b := range refused {
			if err := stagePutOff(tx, b, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put partial receipts off: %w", err)
	}
	return nil
}

func stagePutOff(tx *stagedTx, b Bundle, now time.Time) error {
	key := partialKey(b.Receipt.Payee, b.ID())
	row, err := readRow(tx.batch, key)
	if errors.Is(err, errNoRecord) {
		return nil // signed meanwhile
	}
	wait, readErr := readPartialWait(key, row)
	if err = cmp.Or(err, readErr); err != nil {
		return err
	}
	if now.Sub(time.Unix(int64(b.Receipt.ServedAt), 0)) > partialsAskedFor {
		tx.del(key)
		return nil
	}
	wait = partialWait{Times: wait.Times + 1, Until: now.Add(min(leastPartialWait<<min(wait.Times, 16), mostPartialWait))}
	return tx.put(key, wait)
}

// CountersignPartial signs a receipt that the payer issued for a broken stream. When this operator has
// signed a receipt of its own for the same order it must not sign another, that would be a provable
// fault: ErrReceiptReplayed is returned, but the payer's signed receipt is kept and counted as admitted
// debt, so that only what the payer does not admit weighs on the credit limit. ErrUnknownAdvert when this ledger cannot
// know whether there was such a receipt. Asked again, it answers the same.
func (l *Ledger) CountersignPartial(ctx context.Context, b Bundle) (Signature, error) {
	id := b.ID()
	if !b.Partial {
		return nil, fmt.Errorf("countersign partial %s: %w", id, ErrPartialForm)
	}
	if err := errors.Join(l.checkOwn(b, b.Receipt.Payee), b.checkSalt(), checkDecision(b.DecisionJSON), l.checkTerms(ctx, b), l.checkGateway(ctx, b)); err != nil {
		return nil, fmt.Errorf("countersign partial %s: %w", id, err)
	}
	sig, err := Sign(l.key, b.Receipt.Digest(l.domain))
	if err != nil {
		return nil, err
	}
	b.OperatorSig, b.Inclusion = sig, nil
	replayed := false
	err = l.update(ctx, func(tx *stagedTx) error {
		var have Bundle
		switch err := tx.get(idKey(prefixReceipt, id), &have); {
		case err == nil && have.Receipt == b.Receipt:
			return nil
		case err == nil:
			replayed = true
			return l.stageAdmitted(tx, have, b)
		case !errors.Is(err, errNoRecord):
			return err
		}
		if err := numbered(tx, b.Advert); err != nil {
			return err
		}
		lane, err := readInLane(tx, b.Receipt.Payer)
		if err != nil {
			return err
		}
		if err := lane.admit(b.Receipt.Amount, b.Receipt.Amount); err != nil {
			return err
		}
		return l.stageOwed(tx, b, lane)
	})
	if err = errors.Join(err, errIf(err == nil && replayed, ErrReceiptReplayed)); err != nil {
		return nil, fmt.Errorf("countersign partial %s: %w", id, err)
	}
	return sig, nil
}

// stageAdmitted stages what the payer admits to owe for an order that this operator has signed its own
// receipt for. The larger of the two counts as served, the payer's as countersigned.
func (l *Ledger) stageAdmitted(tx *stagedTx, own, payers Bundle) error {
	key := idKey(prefixPayer, own.ID())
	if done, err := tx.has(key); err != nil || done || len(own.GatewaySig) != 0 {
		return err
	}
	lane, err := readInLane(tx, own.Receipt.Payer)
	if err != nil {
		return err
	}
	if err := lane.admit(payers.Receipt.Amount.SubFloor(own.Receipt.Amount), payers.Receipt.Amount); err != nil {
		return err
	}
	payers.OperatorSig = nil
	return errors.Join(tx.put(key, payers), tx.put(addressKey(prefixIn, own.Receipt.Payer), lane))
}
