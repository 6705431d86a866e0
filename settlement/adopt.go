package settlement

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// AdoptLane lets a payer's ledger that has lost its files go on where the chain is: vouchers of the lane
// then start at collected, what the chain has paid on it, and not at zero, where they would pay nothing
// until they had caught up. Call it before the first order on a lane. It changes nothing when the ledger
// knows of at least as much, and returns ErrLedgerBehind when the ledger has receipts on the lane and
// still knows of less: it is an old copy of a ledger that went on elsewhere, and its open receipts may be
// paid already.
func (l *Ledger) AdoptLane(ctx context.Context, payee common.Address, collected Amount) error {
	if lane, err := l.outLane(payee); err != nil || lane.Total >= collected {
		return err // the usual case, without a write
	}
	err := l.update(ctx, func(tx *stagedTx) error {
		var lane outLane
		key := addressKey(prefixOut, payee)
		if err := orZero(tx.get(key, &lane)); err != nil {
			return err
		}
		switch {
		case lane.Total >= collected:
			return nil
		case lane.Count > 0:
			return fmt.Errorf("%w: the chain has paid %v, the ledger knows of %v", ErrLedgerBehind, collected, lane.Total)
		}
		lane.Total, lane.Settled = collected, collected
		return tx.put(key, lane)
	})
	if err != nil {
		return fmt.Errorf("adopt lane to %s: %w", payee, err)
	}
	return nil
}
