package settlement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Opening is an order that is about to be sent, with all that its later bundle needs.
type Opening struct {
	Advert       Advert        `json:"advert"`
	AdvertSig    Signature     `json:"advertSig"`
	Order        Order         `json:"order"`
	OrderSig     Signature     `json:"orderSig"`
	Salt         hexutil.Bytes `json:"salt"`         // of Order.RequestHash, SaltLen bytes
	DecisionJSON string        `json:"decisionJson"` // the routing decision, byte for byte
}

// Bundle returns the opening joined with a receipt for it and the operator's signature, ready for
// Ledger.AcceptReceipt; an empty signature makes it a partial one, for Ledger.AcceptPartial.
func (o Opening) Bundle(d Domain, r Receipt, operatorSig Signature) Bundle {
	return Bundle{
		Domain: d, Advert: o.Advert, AdvertSig: o.AdvertSig, Order: o.Order, OrderSig: o.OrderSig,
		Receipt: r, OperatorSig: operatorSig, Salt: o.Salt, DecisionJSON: json.RawMessage(o.DecisionJSON),
		Partial: r.LaneSeq == 0,
	}
}

// RecordOrder has an order written before it is sent, and signs it when OrderSig is empty. Its receipt brings the rest of the
// opening, under the order's digest, so no more is written than that it is out, and until when. It refuses
// an advert that is not the order's, an order of another payer (ErrWrongParty) and one that is recorded
// already (ErrOrderExists). A crash before it returns leaves nothing, and nothing was sent; a crash after
// leaves an open order that a receipt may still arrive for. A power loss within 5 ms may lose
// it: then its receipt is refused, and the operator is out of one answer that nobody has read.
func (l *Ledger) RecordOrder(ctx context.Context, o Opening) (ReceiptID, Signature, error) {
	id := o.Order.ID(l.domain)
	b := o.Bundle(l.domain, Receipt{}, nil)
	for _, check := range []func() error{b.checkAdvertMatch, func() error { return l.checkAdvert(b) }, b.checkSalt, b.checkDecision, func() error { return checkDecision(b.DecisionJSON) }} {
		if err := check(); err != nil {
			return id, nil, fmt.Errorf("record order: %w", err)
		}
	}
	if o.Order.Payer != l.self {
		return id, nil, fmt.Errorf("record order: %w: payer is %s, this ledger belongs to %s", ErrWrongParty, o.Order.Payer, l.self)
	}
	sig, err := l.signOrCheck("order", id, o.OrderSig)
	if err != nil {
		return id, nil, fmt.Errorf("record order: %w", err)
	}
	l.orders.note(l.self, common.Hash(id), sig)
	key := idKey(prefixOrder, id)
	row, err := encodeRecord(key, o.Order.Deadline)
	if err != nil {
		return id, nil, err
	}
	err = l.write(ctx, func(tx *stagedTx) error {
		for _, k := range [][]byte{key, idKey(prefixReceipt, id)} {
			if used, err := tx.has(k); err != nil || used {
				return errors.Join(err, errIf(used, ErrOrderExists))
			}
		}
		tx.putRow(key, row)
		return nil
	}, nil)
	if err != nil {
		return id, nil, fmt.Errorf("record order %s: %w", id, err)
	}
	return id, sig, nil
}

// DropOrders forgets open orders whose deadline lies before the unix second before, and returns how
// many. Receipts for them are refused from then on. A crash midway leaves the rest for the next call.
func (l *Ledger) DropOrders(ctx context.Context, before uint64) (int, error) {
	const perCommit = 500
	dropped := 0
	for {
		var ids []ReceiptID
		err := l.scan([]byte(prefixOrder), func(e entry) (bool, error) {
			var deadline uint64
			err := readEntry(e, &deadline)
			if err == nil && deadline < before {
				ids = append(ids, ReceiptID(e.Key[len(prefixOrder):]))
			}
			return len(ids) < perCommit, err
		})
		if err != nil || len(ids) == 0 {
			return dropped, err
		}
		err = l.update(ctx, func(tx *stagedTx) error {
			for _, id := range ids {
				tx.del(idKey(prefixOrder, id))
			}
			return nil
		})
		if err != nil {
			return dropped, fmt.Errorf("drop expired orders: %w", err)
		}
		dropped += len(ids)
	}
}

// errIf returns err when cond holds.
func errIf(cond bool, err error) error {
	if cond {
		return err
	}
	return nil
}
