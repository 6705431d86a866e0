package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// fundLanes keeps the escrow towards every advertised, staked operator topped up to LaneDeposit. It is how a newcomer
// gets its first paid request: stake, advertise, and gateways open a lane.
func (g *Gateway) fundLanes(ctx context.Context, chain Chain, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := g.fundOnce(ctx, chain); err != nil && ctx.Err() == nil {
			g.log.Warn("fund lanes", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (g *Gateway) fundOnce(ctx context.Context, chain Chain) error {
	seen := make(map[common.Address]bool)
	var errs []error
	for _, a := range g.fleet.Adverts() {
		if seen[a.Operator] || g.view.Stake(a.Operator) == 0 || ctx.Err() != nil {
			continue
		}
		seen[a.Operator] = true
		err := g.fund(ctx, chain, a.Operator)
		if err != nil {
			errs = append(errs, err) // the next may need less
		}
		if errors.Is(err, context.DeadlineExceeded) {
			break // the next would wait behind it
		}
	}
	return errors.Join(errs...)
}

// fund tops up the lane to one operator.
func (g *Gateway) fund(ctx context.Context, chain Chain, op common.Address) error {
	want, err := g.missing(op)
	if err != nil || want == 0 {
		return err
	}
	callCtx, cancel := context.WithTimeout(ctx, chainTimeout)
	defer cancel()
	if err := chain.Deposit(callCtx, op, want); err != nil {
		return fmt.Errorf("deposit %s for %s: %w", want, op, err)
	}
	g.log.Info("lane funded", "operator", op, "amount", want)
	return g.view.refreshLane(ctx, op)
}

// missing is what the lane lacks once everything owed is paid, zero while more than half of the deposit is free.
func (g *Gateway) missing(op common.Address) (settlement.Amount, error) {
	lane := g.view.Lane(op)
	aggregate, err := g.ledger.OwedTo(op)
	if err != nil {
		return 0, fmt.Errorf("read lane to %s: %w", op, err)
	}
	free := lane.Balance.SubFloor(aggregate.SubFloor(lane.Collected))
	deposit := g.cfg.Load().LaneDeposit
	if free >= deposit/2 {
		return 0, nil
	}
	return deposit - free, nil
}
