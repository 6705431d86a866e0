package settlement

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// inLane is what one payer owes this payee.
type inLane struct {
	LastSeq       uint64    `json:"lastSeq"`       // lane number given out last
	Receipts      uint64    `json:"receipts"`      // how many were signed on the lane
	Served        Amount    `json:"served"`        // all receipts signed on the lane
	Countersigned Amount    `json:"countersigned"` // the part of Served that the payer has signed too
	Voucher       Voucher   `json:"voucher"`       // newest held; zero before the first
	VoucherSig    Signature `json:"voucherSig"`

	// Elsewhere is the part of Voucher that is for nothing in Served: for partial receipts that this payee has yet to see, or what it
	// served before it lost its ledger.
	Elsewhere Amount `json:"elsewhere,omitempty"`
}

// RecordServed makes the operator's receipt for a served request: it checks that the payer allowed it
// and that it charges exactly the advertised price, gives it the lane's next number, signs it and stores
// it, and returns when that is durable; only then may it be sent. b.Receipt.LaneSeq must be 0 on the way
// in. Salt and decision may be missing, the operator need not know them.
//
// One order has one receipt, ever: for an order that has one, the stored bundle and ErrReceiptReplayed
// are returned, so that a repeated request gets the same bytes. A crash before it returns leaves the
// receipt stored or not; it was not sent, and the next call decides.
func (l *Ledger) RecordServed(ctx context.Context, b Bundle) (Bundle, error) {
	id := b.ID()
	if b.Receipt.LaneSeq != 0 || b.Partial || len(b.GatewaySig) != 0 {
		return Bundle{}, fmt.Errorf("record served %s: %w: lane number and gateway signature come later", id, ErrPartialForm)
	}
	b.Receipt.LaneSeq = 1 // any number: the terms do not depend on which
	if err := errors.Join(l.checkOwn(b, b.Receipt.Payee), l.checkTerms(ctx, b)); err != nil {
		return Bundle{}, fmt.Errorf("record served %s: %w", id, err)
	}
	b.OperatorSig, b.Inclusion = nil, nil
	var stored Bundle
	err := l.update(ctx, func(tx *stagedTx) error {
		switch err := tx.get(idKey(prefixReceipt, id), &stored); {
		case err == nil:
			return ErrReceiptReplayed
		case !errors.Is(err, errNoRecord):
			return err
		}
		var err error
		stored, err = l.stageServed(tx, b)
		return err
	})
	if errors.Is(err, ErrReceiptReplayed) { // whoever recorded it may still wait for the disk
		if syncErr := l.syncNow(); syncErr != nil {
			stored, err = Bundle{}, syncErr
		}
	}
	if err != nil {
		return stored, fmt.Errorf("record served %s: %w", id, err)
	}
	return stored, nil
}

// stageServed numbers, signs and stages a receipt. Signing here, in the committer, keeps numbers and
// receipts in step; at 23 µs it is small beside the sync.
func (l *Ledger) stageServed(tx *stagedTx, b Bundle) (Bundle, error) {
	lane, err := readInLane(tx, b.Receipt.Payer)
	if err != nil {
		return Bundle{}, err
	}
	if lane.Served, err = lane.Served.Add(b.Receipt.Amount); err != nil {
		return Bundle{}, fmt.Errorf("add to lane: %w", err)
	}
	// The time, and steps by chance from there: a gateway takes each number once, and another ledger of this operator, one that was
	// lost, the original of a copy, or a second node's, may give out numbers in this very second.
	lane.LastSeq = max(lane.LastSeq, b.Receipt.ServedAt<<32) + 1 + rand.Uint64N(1<<24)
	b.Receipt.LaneSeq = lane.LastSeq
	if b.OperatorSig, err = Sign(l.key, b.Receipt.Digest(l.domain)); err != nil {
		return Bundle{}, err
	}
	return b, l.stageOwed(tx, b, lane)
}

// stageOwed stages a bundle that this payee is owed for, and its lane.
func (l *Ledger) stageOwed(tx *stagedTx, b Bundle, lane inLane) error {
	r := b.Receipt
	lane.Receipts++
	tx.putRow(laneRowKey(r.Payer, r.Payee, r.ID()), present)
	return errors.Join(
		tx.put(idKey(prefixReceipt, r.ID()), b),
		tx.put(addressKey(prefixIn, r.Payer), lane))
}

// AcceptSettlement stores the gateway's answer to one receipt: its countersignature and a voucher. It
// returns what the payer owes beyond its newest voucher, the measure for a credit limit. ErrVoucherShort
// when the vouchers held do not cover all countersigned receipts including this one; nothing is stored
// then. A voucher older than the one held is fine: answers of parallel streams overtake one another. A power loss
// within 5 ms may lose both, and the next voucher makes up for it.
func (l *Ledger) AcceptSettlement(ctx context.Context, id ReceiptID, gatewaySig Signature, v Voucher, sig Signature) (Amount, error) {
	checked, err := l.checkVoucher(ctx, v, sig)
	if err != nil {
		return 0, fmt.Errorf("accept settlement of %s: %w", id, err)
	}
	for {
		unvouchered, err := l.acceptSettlement(ctx, id, gatewaySig, checked)
		switch {
		case errors.Is(err, errRowChanged): // by another answer for this receipt: it is looked at anew
		case err != nil:
			return 0, fmt.Errorf("accept settlement of %s: %w", id, err)
		default:
			return unvouchered, nil
		}
	}
}

// errRowChanged: a row that an operation was prepared from is another one by the time it is committed.
var errRowChanged = errors.New("row has changed")

// acceptSettlement is AcceptSettlement with a voucher that was checked. The signature is checked and the new row is made
// here, not in the committer, which everybody waits for.
func (l *Ledger) acceptSettlement(ctx context.Context, id ReceiptID, gatewaySig Signature, v checkedVoucher) (Amount, error) {
	key, admission := idKey(prefixReceipt, id), idKey(prefixPayer, id)
	var b Bundle
	var had, row []byte // row: the countersigned one; nil where there is a countersignature
	var refused error   // why the one that came is none
	err := l.look(func(now reader) (err error) {
		if had, err = readRow(now, key); err != nil { // the committer looks at it again
			return orUnknown(err)
		}
		return decodeRecord(key, had, &b)
	})
	if err != nil {
		return 0, err
	}
	if b.Receipt.Payer != v.Payer {
		return 0, fmt.Errorf("%w: voucher of %s for a receipt of %s", ErrWrongParty, v.Payer, b.Receipt.Payer)
	}
	if len(b.GatewaySig) == 0 {
		b.GatewaySig = gatewaySig
		refused = b.checkGatewaySignature(v.signer)
		if row, err = encodeRecord(key, b); err != nil {
			return 0, err
		}
	}
	var lane inLane
	err = l.write(ctx, func(tx *stagedTx) error {
		now, err := readRow(tx.batch, key)
		if err != nil {
			return err
		}
		if !bytes.Equal(now, had) {
			return errRowChanged
		}
		if lane, err = readInLane(tx, v.Payer); err != nil {
			return err
		}
		if row != nil {
			admitted, err := tx.has(admission) // then that counts, and this receipt needs no countersignature
			if err = cmp.Or(err, errIf(!admitted, refused)); err != nil {
				return err
			}
			if !admitted {
				tx.putRow(key, row)
				lane.Countersigned += b.Receipt.Amount // at most Served
			}
		}
		if err := l.raise(&lane, v); err != nil && !errors.Is(err, ErrStaleVoucher) {
			return err
		}
		return tx.put(addressKey(prefixIn, v.Payer), lane)
	}, nil)
	return lane.unvouchered(), err
}

// AcceptVoucher stores a newer voucher of one lane and returns what the payer owes beyond it. Totals
// never go down: a lower one is ErrStaleVoucher and changes nothing; one that does not cover what the
// payer has countersigned is ErrVoucherShort.
func (l *Ledger) AcceptVoucher(ctx context.Context, v Voucher, sig Signature) (Amount, error) {
	checked, err := l.checkVoucher(ctx, v, sig)
	if err != nil {
		return 0, fmt.Errorf("accept voucher: %w", err)
	}
	var lane inLane
	err = l.update(ctx, func(tx *stagedTx) error {
		var err error
		if lane, err = readInLane(tx, v.Payer); err != nil {
			return err
		}
		if err := l.raise(&lane, checked); err != nil {
			return err
		}
		return tx.put(addressKey(prefixIn, v.Payer), lane)
	})
	if err != nil {
		return 0, fmt.Errorf("accept voucher of %s: %w", v.Payer, err)
	}
	return lane.unvouchered(), nil
}

// checkedVoucher is a voucher with what checkVoucher found out.
type checkedVoucher struct {
	Voucher
	sig    Signature
	signer common.Address
	thaws  bool // the signer is being revoked
}

// checkVoucher: the voucher pays this ledger's owner and is signed by its payer, or by a key that may sign for it now and
// until it can be brought on chain.
func (l *Ledger) checkVoucher(ctx context.Context, v Voucher, sig Signature) (checkedVoucher, error) {
	c := checkedVoucher{Voucher: v, sig: sig}
	if v.Payee != l.self {
		return c, fmt.Errorf("%w: voucher pays %s, this ledger belongs to %s", ErrWrongParty, v.Payee, l.self)
	}
	const who = "payer signature of voucher"
	var err error
	if c.signer, err = l.vouchers.signer(v.Digest(l.domain), sig); err != nil {
		return c, fmt.Errorf("%s: %w", who, err)
	}
	if err = l.signsFor(ctx, who, v.Payer, c.signer); err != nil || c.signer == v.Payer || l.others == nil {
		return c, err
	}
	binding, err := l.others.SignerOf(ctx, c.signer)
	if err != nil {
		return c, err
	}
	c.thaws = binding.ThawEnd != 0
	if c.thaws && binding.ThawEnd < uint64(time.Now().Add(resendAfter).Unix()) {
		return c, fmt.Errorf("%s: %w: made by %s, which is revoked from %d: too soon to bring it on chain", who, ErrBadSignature, c.signer, binding.ThawEnd)
	}
	return c, nil
}

// raise replaces the lane's voucher by v, which must cover what is countersigned and not be older. The total decides, as on
// the chain: a payer that lost its ledger counts receipts from one again (see AdoptLane). A key that is being revoked raises
// what it has signed itself and nothing else, or its payer could make a promise void by signing it again.
func (l *Ledger) raise(lane *inLane, v checkedVoucher) error {
	have := lane.Voucher
	if max(v.ValueAggregate, have.ValueAggregate) < lane.Countersigned {
		return fmt.Errorf("%w: it is for %v, they add up to %v", ErrVoucherShort, v.ValueAggregate, lane.Countersigned)
	}
	if v.ValueAggregate < have.ValueAggregate || v.ValueAggregate == have.ValueAggregate && v.ReceiptCount < have.ReceiptCount {
		return fmt.Errorf("%w: %v for %d receipts, held is %v for %d", ErrStaleVoucher,
			v.ValueAggregate, v.ReceiptCount, have.ValueAggregate, have.ReceiptCount)
	}
	if v.thaws && len(lane.VoucherSig) != 0 {
		if err := checkSigner("voucher held, which a key that is being revoked is to replace", v.signer, have.Digest(l.domain), lane.VoucherSig); err != nil {
			return err
		}
	}
	lane.Voucher, lane.VoucherSig = v.Voucher, v.sig
	lane.Elsewhere = max(lane.Elsewhere, v.ValueAggregate.SubFloor(lane.Served))
	return nil
}

// admit takes in a partial receipt: so much was admitted by the payer, of which served is new to this payee. The voucher that is
// brought before it covers it.
func (lane *inLane) admit(served, admitted Amount) (err error) {
	if lane.Served, err = lane.Served.Add(served); err != nil {
		return fmt.Errorf("add to lane: %w", err)
	}
	lane.Countersigned += admitted // at most Served, which did not overflow
	lane.Elsewhere = lane.Elsewhere.SubFloor(admitted)
	return nil
}

// unvouchered is what was served and is not covered by a voucher: what this payee would lose if the
// payer vanished now.
func (lane *inLane) unvouchered() Amount {
	return lane.Served.SubFloor(lane.Voucher.ValueAggregate - lane.Elsewhere) // which is a part of it
}

// readInLane returns the lane from payer, an empty one when there is none.
func readInLane(tx *stagedTx, payer common.Address) (inLane, error) {
	var lane inLane
	err := tx.get(addressKey(prefixIn, payer), &lane)
	return lane, orZero(err)
}
