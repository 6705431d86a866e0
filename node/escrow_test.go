package node

import (
	"context"
	"errors"
	"testing"
	"time"

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

// lostChain makes deposits, of which its first answer is lost, and so are the next reads of lanes.
type lostChain struct {
	Chain
	lost     error // Deposit's answer
	unread   int   // reads of lanes that fail from the first deposit on
	late     bool  // deposits do not get into a block yet
	deposits []settlement.Amount
}

func (c *lostChain) Deposit(ctx context.Context, payee common.Address, a settlement.Amount) error {
	c.deposits = append(c.deposits, a)
	if c.late {
		return c.lost
	}
	return errors.Join(c.lost, c.Chain.Deposit(ctx, payee, a))
}

func (c *lostChain) Lane(ctx context.Context, payer, payee common.Address) (settlement.Lane, error) {
	if len(c.deposits) > 0 && c.unread > 0 {
		c.unread--
		return settlement.Lane{}, context.DeadlineExceeded
	}
	return c.Chain.Lane(ctx, payer, payee)
}

// A deposit whose answer was lost, or which the chain does not show yet, is not made a second time.
func TestDepositIsMadeOnce(t *testing.T) {
	for name, chain := range map[string]*lostChain{
		"the lane cannot be read after it":  {unread: 3},
		"its answer is lost, and it counts": {unread: 3, lost: context.DeadlineExceeded},
		"it waits for a block":              {late: true, lost: context.DeadlineExceeded},
		"a chain node that lags":            {late: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.startOperator(fiveTokens, OperatorConfig{})
			w.waitServing(1)
			running := w.gateway.Gateway
			chain.Chain = w.gateway.cfg.Chain
			view := newChainView(chain, running.self, time.Minute, running.log)
			if err := view.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			g := &Gateway{fleet: running.fleet, view: view, ledger: running.ledger, log: running.log}
			for i := range 6 {
				g.cfg.Store(&GatewayConfig{LaneDeposit: 5_000_000 + settlement.Amount(i)}) // so that one for what is lacking now is another one
				_ = g.fundOnce(t.Context(), chain)
			}
			for _, a := range chain.deposits {
				if a != chain.deposits[0] || len(chain.deposits) > 1 && !(chain.late && chain.lost != nil) {
					t.Fatalf("deposits of %v", chain.deposits)
				}
			}
			if len(chain.deposits) == 0 {
				t.Error("no deposit")
			}
		})
	}
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
