package settlement

import (
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/durable"
)

// State is how far a stored receipt has come.
type State int

// The states of a receipt, in order. An operator's ledger knows the first two and the last.
const (
	StateServed    State = iota // signed by the operator only
	StatePending                // signed by both, or accepted as partial; in no batch yet
	StateSealed                 // in a batch that has been fixed but perhaps not sent
	StateSubmitted              // in a batch that has been sent
	StateSettled                // in a batch that the chain holds
)

func (s State) String() string {
	names := [...]string{"served", "pending", "sealed", "submitted", "settled"}
	if s < 0 || int(s) >= len(names) {
		return fmt.Sprintf("state %d", int(s))
	}
	return names[s]
}

// LaneKey names a lane.
type LaneKey struct{ Payer, Payee common.Address }

// Filter chooses receipts; the zero Filter chooses all.
type Filter struct {
	Lane   *LaneKey // only this lane's
	States []State  // only these
}

// StoredReceipt is a bundle with how far it has come.
type StoredReceipt struct {
	Bundle Bundle
	State  State
}

// Receipt returns the stored receipt of that id, with its Inclusion once it is settled.
// ErrUnknownReceipt when there is none.
func (l *Ledger) Receipt(id ReceiptID) (StoredReceipt, error) {
	var out StoredReceipt
	open := l.OpenBatch() // before the view: what is settled in between shows there
	err := l.view(func(snap reader) (err error) {
		out, err = readReceipt(snap, id, open)
		return err
	})
	if err != nil {
		return StoredReceipt{}, fmt.Errorf("look up receipt %s: %w", id, orUnknown(err))
	}
	return out, nil
}

// Has says whether there is a receipt of that id.
func (l *Ledger) Has(id ReceiptID) (has bool, err error) {
	err = l.look(func(now reader) (err error) {
		has, err = durable.Has(now, idKey(prefixReceipt, id))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look up receipt %s: %w", id, err)
	}
	return has, nil
}

// Bundle returns what a stranger needs to verify the receipt of that id.
func (l *Ledger) Bundle(id ReceiptID) (Bundle, error) {
	r, err := l.Receipt(id)
	return r.Bundle, err
}

// Place is where a receipt stands in the list of accepted receipts, newest first. It stays there when newer ones come. The
// zero Place is before the newest.
type Place [8 + len(ReceiptID{})]byte

// ParsePlace reads what Place.String writes.
func ParsePlace(text string) (Place, error) {
	var p Place
	if raw, err := hex.DecodeString(text); err != nil || copy(p[:], raw) != len(p) || len(raw) != len(p) {
		return Place{}, fmt.Errorf("read place in the list of receipts: want %d hex digits", 2*len(p))
	}
	return p, nil
}

func (p Place) String() string { return hex.EncodeToString(p[:]) }

// ID is the receipt that stands there.
func (p Place) ID() ReceiptID { return ReceiptID(p[8:]) }

// Newest returns the places of the receipts that this payer accepted last, newest first, after a place and at most limit.
func (l *Ledger) Newest(after Place, limit int) ([]Place, error) {
	out := make([]Place, 0, min(limit, 1024))
	if limit <= 0 {
		return out, nil
	}
	err := l.view(func(snap reader) error {
		prefix := []byte(prefixNewest)
		return durable.Scan(snap, prefix, append([]byte(prefixNewest), after[:]...), func(e entry) (bool, error) {
			if at := Place(e.Key[len(prefix):]); at != after {
				out = append(out, at)
			}
			return len(out) < limit, nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list newest receipts: %w", err)
	}
	return out, nil
}

// Receipts walks the receipts that f chooses, in order of id, as they were when the walk began. An error
// ends the walk; it comes with an empty receipt.
func (l *Ledger) Receipts(f Filter) iter.Seq2[StoredReceipt, error] {
	prefix := []byte(prefixReceipt)
	if f.Lane != nil {
		prefix = laneKey(prefixLaneRow, f.Lane.Payer, f.Lane.Payee)
	}
	return func(yield func(StoredReceipt, error) bool) {
		open := l.OpenBatch() // before the view: what is settled in between shows there
		err := l.view(func(snap reader) error {
			return durable.Scan(snap, prefix, nil, func(e entry) (bool, error) {
				r, err := readReceipt(snap, ReceiptID(e.Key[len(prefix):]), open)
				if err != nil {
					return false, err
				}
				if len(f.States) > 0 && !slices.Contains(f.States, r.State) {
					return true, nil
				}
				return yield(r, nil), nil
			})
		})
		if err != nil {
			yield(StoredReceipt{}, fmt.Errorf("walk receipts: %w", err))
		}
	}
}

// readReceipt joins a bundle with its inclusion and finds its state; open is the batch in flight, if any.
func readReceipt(snap reader, id ReceiptID, open *SealedBatch) (StoredReceipt, error) {
	var r StoredReceipt
	if err := readRecord(snap, idKey(prefixReceipt, id), &r.Bundle); err != nil {
		return r, err
	}
	var inc Inclusion
	switch err := readRecord(snap, idKey(prefixInclude, id), &inc); {
	case err == nil:
		r.Bundle.Inclusion, r.State = &inc, StateSettled
		return r, nil
	case !errors.Is(err, errNoRecord):
		return r, err
	}
	switch {
	case len(r.Bundle.GatewaySig) == 0:
		r.State = StateServed
	case open != nil && open.holds(id):
		r.State = open.State
	default:
		r.State = StatePending
	}
	return r, nil
}

// OwedTo returns what this payer has ever owed payee: the sum of all accepted receipts of the lane, and
// the value of its newest voucher.
func (l *Ledger) OwedTo(payee common.Address) (Amount, error) {
	lane, err := l.outLane(payee)
	return lane.Total, err
}

func (l *Ledger) outLane(payee common.Address) (outLane, error) {
	var lane outLane
	err := l.look(func(now reader) error { return readRecord(now, addressKey(prefixOut, payee), &lane) })
	return lane, orZero(err)
}

// Voucher returns the newest voucher of this payer for payee, signed; a zero one before the first
// receipt. It is what an operator is sent when it has missed one, so all that was accepted before is on disk when it
// returns, the partial receipts that go with it too.
func (l *Ledger) Voucher(payee common.Address) (Voucher, Signature, error) {
	lane, err := l.outLane(payee)
	if err != nil {
		return Voucher{}, nil, err
	}
	if err := l.syncNow(); err != nil {
		return Voucher{}, nil, err
	}
	v := lane.voucher(l.self, payee)
	sig, err := Sign(l.key, v.Digest(l.domain))
	return v, sig, err
}

// OwedBy returns what payer has promised this payee with its newest voucher, and what it owes beyond it: the payee's risk, to
// be held below a credit limit.
func (l *Ledger) OwedBy(payer common.Address) (vouchered, unvouchered Amount, err error) {
	lane, err := l.inLane(payer)
	return lane.Voucher.ValueAggregate, lane.unvouchered(), err
}

func (l *Ledger) inLane(payer common.Address) (inLane, error) {
	var lane inLane
	err := l.look(func(now reader) error { return readRecord(now, addressKey(prefixIn, payer), &lane) })
	return lane, orZero(err)
}
