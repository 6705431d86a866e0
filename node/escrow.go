package node

import (
	"context"
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
	for _, a := range g.fleet.Adverts() {
		op := common.Address(a.Operator)
		if seen[op] || g.view.Stake(op) == 0 {
			continue
		}
		seen[op] = true
		want, err := g.missing(op)
		if err != nil {
			return err
		}
		if want == 0 {
			continue
		}
		callCtx, cancel := context.WithTimeout(ctx, chainTimeout)
		err = chain.Deposit(callCtx, op, want)
		cancel()
		if err != nil {
			return fmt.Errorf("deposit %s for %s: %w", want, op, err)
		}
		g.log.Info("lane funded", "operator", op, "amount", want)
		if err := g.view.refreshLane(ctx, op); err != nil {
			return err
		}
	}
	return nil
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
