package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flotilla/internal/trouble"
)

// stake tops the operator's own stake up to what was configured.
func (o *Operator) stake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*chainTimeout)
	defer cancel()
	have, err := o.chain.Stake(ctx, o.self)
	if err != nil {
		return fmt.Errorf("read own stake: %w", err)
	}
	missing := o.cfg.Stake.SubFloor(have.Amount.SubFloor(have.Thawing))
	if missing == 0 {
		if have.Amount == have.Thawing {
			o.log.Warn("this account has no stake, and gateways ask no operator without: give --stake USD, or run 'flotilla stake add'", "account", o.self)
		}
		return nil
	}
	if err := o.chain.AddStake(ctx, missing); err != nil {
		return err // says what it was to do
	}
	o.log.Info("staked", "amount", missing)
	return nil
}

// keepStake tops the stake up once more when a reorganisation of the chain has taken it out, and says so where it is gone otherwise:
// what its owner has withdrawn, or what was slashed, is not for the operator to put back by itself.
func (o *Operator) keepStake(ctx context.Context, view *chainView) error {
	tick := time.NewTicker(view.every)
	defer tick.Stop()
	var had, left bool // left: it is gone for a reason
	var gone trouble.Trouble
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var err error
		switch {
		case view.Stake(o.self) > 0:
			had, left = true, false
		case had && left:
			continue
		case had:
			err = o.restake(ctx)
			left = errors.Is(err, errStakeLeft)
		}
		if ctx.Err() == nil {
			gone.Note(o.log, err, "the stake of this account is gone, and gateways ask no operator without", "the account has stake")
		}
	}
}

// errStakeLeft: stake that was there is not there any more, and no reorganisation is why.
var errStakeLeft = errors.New("it thaws, was withdrawn or slashed: add some with 'flotilla stake add', or keep what thaws with 'flotilla stake cancel'")

// restake stakes what a reorganisation has taken out. As long as the process lives it is the same transaction.
func (o *Operator) restake(ctx context.Context) error {
	history, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	have, err := o.chain.Stake(history, o.self)
	if err != nil {
		return fmt.Errorf("read own stake: %w", err)
	}
	if have.Amount > have.Thawing { // the view is behind
		return nil
	}
	staked, err := o.chain.HasStaked(history, o.self)
	switch {
	case err != nil:
		return err // says what it was to do
	case staked || have.Amount > 0:
		return errStakeLeft
	case o.cfg.Stake == 0:
		return errors.New("a reorganisation of the chain has taken it out: stake again with 'flotilla stake add'")
	}
	return o.stake(ctx)
}
