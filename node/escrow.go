package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/trouble"
	"flotilla/settlement"
)

// fundLanes keeps the escrow towards every advertised, staked operator topped up to LaneDeposit. It is how a newcomer
// gets its first paid request: stake, advertise, and gateways open a lane. What keeps it from that is said in few lines, not each time it tries.
func (g *Gateway) fundLanes(ctx context.Context, chain Chain, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var waiting trouble.Trouble
	for {
		err := g.fundOnce(ctx, chain)
		if ctx.Err() != nil {
			return nil
		}
		waiting.Note(g.log, err, "fund lanes", "lanes are funded again")
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

// depositShows is how long a deposit that was made is waited for, where a chain node does not show it yet.
const depositShows = 10 * time.Minute

// deposit is the last one to a lane that the lane has yet to show.
type deposit struct {
	amount, before settlement.Amount // before: what the lane had
	at             time.Time
	made           bool // false: it may be on its way, or not
}

// fund tops up the lane to one operator. The view may be of before the last deposit, so the lane is read first: what cannot be read
// is not paid into.
func (g *Gateway) fund(ctx context.Context, chain Chain, op common.Address) error {
	want, err := g.missing(op)
	if err != nil || want == 0 {
		return err
	}
	if err := g.view.refreshLane(ctx, op); err != nil {
		return err
	}
	if want, err = g.missing(op); err != nil || want == 0 {
		delete(g.deposits, op)
		return err
	}
	d := deposit{amount: want, before: g.view.Lane(op).Balance, at: time.Now()}
	if last, ok := g.deposits[op]; ok && last.before == d.before {
		switch waited := time.Since(last.at); {
		case !last.made || waited >= depositShows:
		case waited < chainTimeout: // nodes behind one URL take a moment to agree
			return nil
		default:
			return fmt.Errorf("the deposit of %s for %s that was made at %s is not in the lane (a reorganisation, or a node that lags): it is made again at %s",
				last.amount, op, last.at.UTC().Format(time.RFC3339), last.at.Add(depositShows).UTC().Format(time.RFC3339))
		}
		if !last.made {
			d.amount = last.amount // the same transaction, which is sent once
		}
	}
	callCtx, cancel := context.WithTimeout(ctx, depositTimeout)
	defer cancel()
	err = chain.Deposit(callCtx, op, d.amount)
	d.made = err == nil
	if g.deposits == nil {
		g.deposits = make(map[common.Address]deposit)
	}
	g.deposits[op] = d
	if err != nil {
		return err // says what it was to do
	}
	g.log.Info("lane funded", "operator", op, "amount", d.amount)
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
