package node

import (
	"context"
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// refusingChain takes no deposit for one operator.
type refusingChain struct {
	Chain
	refused common.Address
}

var errDeposit = errors.New("no deposit for this one")

func (c refusingChain) Deposit(ctx context.Context, payee common.Address, a settlement.Amount) error {
	if payee == c.refused {
		return errDeposit
	}
	return c.Chain.Deposit(ctx, payee, a)
}

// An operator whose lane cannot be funded does not keep the others from theirs.
func TestLanesAreFundedEachByItself(t *testing.T) {
	const deposit = 5_000_000
	w := newWorld(t)
	w.startOperator(fiveTokens, OperatorConfig{})
	w.startOperator(fiveTokens, OperatorConfig{})
	w.waitServing(2)
	running := w.gateway.Gateway
	g := &Gateway{fleet: running.fleet, view: running.view, ledger: running.ledger, log: running.log} // which wants more than the running one
	g.cfg.Store(&GatewayConfig{LaneDeposit: deposit})
	adverts := running.fleet.Adverts()
	var ops []common.Address
	for _, a := range adverts {
		if g.view.Stake(a.Operator) > 0 {
			ops = append(ops, a.Operator)
		}
	}
	if len(ops) != 2 {
		t.Fatalf("%d staked operators are advertised, want 2", len(ops))
	}
	chain := refusingChain{w.gateway.cfg.Chain, ops[0]}
	if err := g.fundOnce(t.Context(), chain); !errors.Is(err, errDeposit) {
		t.Errorf("got %v, want the refusal", err)
	}
	if got := g.view.Lane(ops[1]).Balance; got != deposit {
		t.Errorf("the lane to the other has %v, want %v", got, settlement.Amount(deposit))
	}
}
