package settlement

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/durable"
)

// maxEvidence bounds the faults that a ledger keeps. Each has cost its operator a signature under a false statement;
// one that signs thousands has long lost all its stake.
const maxEvidence = 4096

// StoredEvidence is a provable fault that this ledger's owner was shown.
type StoredEvidence struct {
	ID       common.Hash `json:"id"` // the stake contract punishes each id once
	Evidence Evidence    `json:"evidence"`
	SeenAt   time.Time   `json:"seenAt"`
	Punished bool        `json:"punished"`
	Tx       common.Hash `json:"tx"` // the transaction of ours that did; zero when another's did

	PunishedAt time.Time `json:"punishedAt,omitzero"` // when it was marked
	Final      bool      `json:"final,omitempty"`     // the chain still said so punishedFor after that: it is not asked again
}

// punishedFor is how long a punishment must stand until no reorganisation takes it out. Ethereum is final after two epochs, 13 minutes.
const punishedFor = 30 * time.Minute

// KeepEvidence stores a fault after checking that the stake contract would punish it, and returns its id when that is
// durable. Evidence that is there already is not stored again. ErrNoFault and ErrBadSignature when it proves nothing.
func (l *Ledger) KeepEvidence(ctx context.Context, e Evidence) (common.Hash, error) {
	charge, err := e.Check(l.domain)
	if err != nil {
		return common.Hash{}, err
	}
	key := evidenceKey(charge.ID)
	err = l.update(ctx, func(tx *stagedTx) error {
		if there, err := tx.has(key); err != nil || there {
			return err
		}
		if err := makeRoomForEvidence(tx, charge.Harm > 0); err != nil {
			return err
		}
		return tx.put(key, StoredEvidence{ID: charge.ID, Evidence: e, SeenAt: time.Now()})
	})
	if err != nil {
		return common.Hash{}, fmt.Errorf("keep evidence %s against %s: %w", charge.ID, charge.Operator, err)
	}
	return charge.ID, nil
}

// makeRoomForEvidence forgets one fault when there is no room for another: one that was punished, else, for one that harmed somebody,
// one that harmed nobody. Two prices under one number are signed without any order, by which an operator could fill the ledger.
func makeRoomForEvidence(tx *stagedTx, harmed bool) error {
	n := 0
	err := durable.Scan(tx.batch, []byte(prefixEvidence), nil, func(entry) (bool, error) {
		n++
		return n < maxEvidence, nil
	})
	if err != nil || n < maxEvidence {
		return err
	}
	var goes []byte
	err = durable.Scan(tx.batch, []byte(prefixEvidence), nil, func(e entry) (bool, error) {
		var old StoredEvidence
		err := readEntry(e, &old)
		if old.Punished || harmed && goes == nil && old.Evidence.Fault == AdvertEquivocation {
			goes = bytes.Clone(e.Key)
		}
		return !old.Punished, err
	})
	full := goes == nil
	if !full {
		tx.del(goes)
	}
	return errors.Join(err, errIf(full, fmt.Errorf("%d faults that are not punished are kept already", maxEvidence)))
}

// Evidence returns every fault that was kept, in order of id.
func (l *Ledger) Evidence() ([]StoredEvidence, error) {
	var out []StoredEvidence
	err := l.scan([]byte(prefixEvidence), func(e entry) (bool, error) {
		var stored StoredEvidence
		err := readEntry(e, &stored)
		out = append(out, stored)
		return true, err
	})
	if err != nil {
		return nil, fmt.Errorf("list evidence: %w", err)
	}
	return out, nil
}

// evidenceCount is how many faults were not punished yet.
func (l *Ledger) evidenceCount() (int, error) {
	all, err := l.Evidence()
	n := 0
	for _, e := range all {
		if !e.Punished {
			n++
		}
	}
	return n, err
}

// markPunished notes that a fault was punished, by txHash or, when that is zero, by somebody else's transaction.
func (l *Ledger) markPunished(ctx context.Context, id, txHash common.Hash) error {
	return l.markEvidence(ctx, id, func(e *StoredEvidence) { e.Punished, e.Tx, e.PunishedAt = true, txHash, time.Now() })
}

func (l *Ledger) markEvidence(ctx context.Context, id common.Hash, mark func(*StoredEvidence)) error {
	err := l.update(ctx, func(tx *stagedTx) error {
		var e StoredEvidence
		if err := tx.get(evidenceKey(id), &e); err != nil {
			return err
		}
		mark(&e)
		return tx.put(evidenceKey(id), e)
	})
	if err != nil {
		return fmt.Errorf("mark evidence %s punished: %w", id, err)
	}
	return nil
}

// KeepFaults stores what a refused receipt proves against its operator: by its advert, by its order, and by the
// receipt that this ledger has accepted for the same order. A receipt that proves nothing (a stranger's signature, a
// wrong hash) leaves nothing. It returns the ids of the faults.
func (l *Ledger) KeepFaults(ctx context.Context, refused Bundle) ([]common.Hash, error) {
	var ids []common.Hash
	for _, e := range l.faultsOf(refused) {
		switch id, err := l.KeepEvidence(ctx, e); {
		case err == nil:
			ids = append(ids, id)
		case !errors.Is(err, ErrNoFault) && !errors.Is(err, ErrBadSignature):
			return ids, err
		}
	}
	return ids, l.keepSecond(ctx, refused)
}

// keepSecond remembers the operator's own receipt for an order that this payer has issued a partial receipt for. Alone
// it proves nothing. Once the operator signs the partial one too, the two are a double receipt (see AttachOperatorSig).
func (l *Ledger) keepSecond(ctx context.Context, refused Bundle) error {
	have, err := l.Bundle(refused.ID())
	if err != nil || len(have.OperatorSig) != 0 || refused.checkOperatorSignature() != nil {
		return nil // unknown, or faultsOf has compared the two, or not signed by who it names
	}
	key := idKey(prefixSecond, refused.ID())
	err = l.update(ctx, func(tx *stagedTx) error {
		if there, err := tx.has(key); err != nil || there {
			return err // one is enough
		}
		return tx.put(key, SignedReceipt{refused.Receipt, refused.OperatorSig})
	})
	if err != nil {
		return fmt.Errorf("keep second receipt for %s: %w", refused.ID(), err)
	}
	return nil
}

// keepDouble stores the double receipt that an operator makes by signing a partial receipt after one of its own.
func (l *Ledger) keepDouble(ctx context.Context, id ReceiptID, partial SignedReceipt) error {
	var own SignedReceipt
	err := l.view(func(snap reader) error { return readRecord(snap, idKey(prefixSecond, id), &own) })
	if errors.Is(err, errNoRecord) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = l.KeepEvidence(ctx, Evidence{Fault: DoubleReceipt, Receipts: []SignedReceipt{partial, own}})
	if errors.Is(err, ErrNoFault) {
		return nil
	}
	return err
}

// faultsOf lists what a receipt might prove.
func (l *Ledger) faultsOf(b Bundle) []Evidence {
	receipt := SignedReceipt{b.Receipt, b.OperatorSig}
	faults := []Evidence{
		{Fault: AdvertBreach, Receipts: []SignedReceipt{receipt}, Adverts: []SignedAdvert{{b.Advert, b.AdvertSig}}},
		{Fault: OrderBreach, Receipts: []SignedReceipt{receipt}, Order: &b.Order},
	}
	if have, err := l.Bundle(b.ID()); err == nil {
		faults = append(faults, Evidence{Fault: DoubleReceipt, Receipts: []SignedReceipt{{have.Receipt, have.OperatorSig}, receipt}})
	}
	return faults
}

func evidenceKey(id common.Hash) []byte { return append([]byte(prefixEvidence), id[:]...) }
