package ethchain_test

import (
	"context"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// gatewayCalls are calls of every kind: what reads, what looks up and what sends.
func gatewayCalls(ctx context.Context, c *ethchain.Chain, op common.Address, b settlement.Batch, sig settlement.Signature) map[string]func() error {
	return map[string]func() error{
		"Lane":            func() error { _, err := c.Lane(ctx, c.Account(), op); return err },
		"Stake":           func() error { _, err := c.Stake(ctx, op); return err },
		"Claimable":       func() error { _, err := c.Claimable(ctx, op); return err },
		"Balance":         func() error { _, err := c.Balance(ctx, op); return err },
		"Punished":        func() error { _, err := c.Punished(ctx, common.Hash{1}); return err },
		"NextEpoch":       func() error { _, err := c.NextEpoch(ctx, c.Account()); return err },
		"BatchAnchor":     func() error { _, err := c.BatchAnchor(ctx, c.Account(), 1); return err },
		"SignerOf":        func() error { _, err := c.SignerOf(ctx, op); return err },
		"StakedOperators": func() error { _, err := c.StakedOperators(ctx); return err },
		"TxStatus":        func() error { _, err := c.TxStatus(ctx, common.Hash{1}); return err },
		"SubmitBatch":     func() error { _, err := c.SubmitBatch(ctx, b, sig); return err },
		"AddStake":        func() error { return c.AddStake(ctx, usd) },
		"Deposit":         func() error { return c.Deposit(ctx, op, usd) },
		"Thaw":            func() error { return c.Thaw(ctx, op, usd) },
		"Claim":           func() error { return c.Claim(ctx, op) },
	}
}

// The chain's folder is deleted under the process: the same URL, chain id, first block and, once they are deployed anew,
// contracts at the same addresses. Everything is refused, nothing is sent, and all goes on when the chain is back.
func TestChainThatWasStartedAnewIsNoticed(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	node := newFlakyNode(t, w.URL())
	gateway, op := through(t, w, node), ethchain.AddressOf(w.op1)
	release := w.hold(t)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	tx, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)

	anew := &world{gateway: w.gateway, op1: w.op1, op2: w.op2, nobody: w.nobody, deployer: w.deployer}
	anew.start(t, gap)
	node.target.Store(anew.URL())
	sent := node.count("eth_sendRawTransaction")
	refused := func(what string) {
		t.Helper()
		calls := gatewayCalls(ctx, gateway, op, b, sig)
		calls["TxStatus of its own"] = func() error { _, err := gateway.TxStatus(ctx, tx); return err }
		for name, call := range calls {
			if err := call(); err == nil {
				t.Errorf("%s: %s is answered", what, name)
			} else {
				wantErr(t, err, settlement.ErrChainReset)
			}
		}
		if now := node.count("eth_sendRawTransaction"); now != sent {
			t.Fatalf("%s: %d transactions were sent to the new chain", what, now-sent)
		}
	}
	refused("a chain without contracts")
	anew.deploy(t)
	if anew.Settlement != w.Settlement {
		t.Fatal("the new chain has its contracts elsewhere: the test shows less than it says")
	}
	refused("a chain with contracts at the same addresses")

	node.target.Store(w.URL())
	checkState(t, gateway, tx, settlement.TxPending)
	release()
	must(t, gateway.WaitMined(ctx, tx))
	checkClaimable(t, gateway, op, 5*usd)
	must(t, gateway.Deposit(ctx, op, usd))
}

// The chain is the same and the contracts are gone: a reorganisation went behind their deployment.
func TestContractThatIsGoneIsNoticed(t *testing.T) {
	w, ctx := &world{gateway: newKey(t), op1: newKey(t), op2: newKey(t), nobody: newKey(t), deployer: newKey(t)}, deadline(t)
	w.start(t, gap)
	w.stranger(t, 0) // block 1
	eventually(t, "a first block", func() bool {
		head, err := w.Client().BlockNumber(ctx)
		must(t, err)
		return head == 1
	})
	w.deploy(t)
	gateway := w.as(t, w.gateway)
	w.hold(t)
	head, err := w.Client().BlockNumber(ctx)
	must(t, err)
	must(t, w.Reorg(head-1))
	_, err = gateway.NextEpoch(ctx, gateway.Account())
	wantErr(t, err, settlement.ErrChainReset)
	wantErr(t, err, ethchain.ErrNoContract)
}
