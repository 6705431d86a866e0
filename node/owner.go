package node

import (
	"context"
	"errors"
	"fmt"

	"flotilla/node/admin"
	"flotilla/settlement"
)

// owner is the node as its administration pages see it.
type owner struct{ n *Node }

var _ admin.Source = owner{}

// SettlementStatus is a gateway's settlement.SettleStatus, or the lanes that an operator is owed on.
func (o owner) SettlementStatus(context.Context) (any, error) {
	if o.n.settler == nil {
		return o.n.ledger.OwedLanes()
	}
	return o.n.settler.Status()
}

func (o owner) SettleNow(ctx context.Context) error {
	if o.n.settler == nil {
		return fmt.Errorf("settle now: %w: an operator collects when a lane is due", admin.ErrNotHere)
	}
	return o.n.SettleNow(ctx)
}

// OtherNodes are those under an operator's account that are not this one.
func (o owner) OtherNodes(context.Context) (any, error) {
	if o.n.Operator == nil {
		return nil, fmt.Errorf("other nodes of the account: %w: an operator has them", admin.ErrNotHere)
	}
	return o.n.Operator.others(), nil
}

func (o owner) Evidence(context.Context) (any, error) {
	found, err := o.n.ledger.Evidence()
	if found == nil {
		found = []settlement.StoredEvidence{}
	}
	return found, err
}

// Dispute brings the evidence to the chain; the reporter's part goes to this node's account.
func (o owner) Dispute(ctx context.Context) (any, error) {
	done, err := o.n.ledger.DisputeAll(ctx, o.n.cfg.Chain, o.n.view.self)
	if done == nil {
		done = []settlement.Dispute{}
	}
	return done, err
}

func (o owner) Batch(_ context.Context, epoch uint64) (any, error) {
	b, err := o.n.ledger.ExportBatch(epoch)
	if errors.Is(err, settlement.ErrUnknownReceipt) {
		return nil, fmt.Errorf("batch %d: %w", epoch, admin.ErrNotFound)
	}
	return b, err
}
