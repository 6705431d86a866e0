package ethchain_test

import (
	"context"
	"errors"
	"log/slog"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

func checkState(t *testing.T, c *ethchain.Chain, tx common.Hash, want settlement.TxState) {
	t.Helper()
	got, err := c.TxStatus(deadline(t), tx)
	must(t, err)
	if got != want {
		t.Fatalf("transaction is %v, want %v", got, want)
	}
}

// impatient raises the fee of a pending transaction at every look.
func impatient(c *ethchain.Config) { c.RaiseAfter = time.Nanosecond }

// atLeastAnEighthMore: what nodes ask of a replacement, with room to spare.
func atLeastAnEighthMore(old, raised *big.Int) bool {
	return new(big.Int).Mul(raised, big.NewInt(8)).Cmp(new(big.Int).Mul(old, big.NewInt(9))) >= 0
}

func TestStuckBatchIsReplacedByADearerOneAndPaysOnce(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	gateway := w.open(t, w.gateway, impatient)
	release := w.hold(t)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	first, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	for range 3 {
		before := w.pending(t)
		checkState(t, gateway, first, settlement.TxPending)
		after := w.pending(t)
		if after.Nonce() != before.Nonce() || !atLeastAnEighthMore(before.GasTipCap(), after.GasTipCap()) || !atLeastAnEighthMore(before.GasFeeCap(), after.GasFeeCap()) {
			t.Fatalf("nonce %d, tip %s and cap %s became nonce %d, tip %s and cap %s", before.Nonce(), before.GasTipCap(), before.GasFeeCap(),
				after.Nonce(), after.GasTipCap(), after.GasFeeCap())
		}
	}
	newest, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	if newest == first || newest != w.pending(t).Hash() {
		t.Fatalf("asking again gives %s, pending is %s", newest, w.pending(t).Hash())
	}
	release()
	must(t, gateway.WaitMined(ctx, first)) // the version that won stands for all
	checkState(t, gateway, newest, settlement.TxMined)
	at, err := gateway.BatchAnchor(ctx, gateway.Account(), 1)
	must(t, err)
	if at.Tx == first || at.Root != b.ReceiptsRoot {
		t.Fatalf("anchored as %+v, first version was %s", at, first)
	}
	checkClaimable(t, gateway, ethchain.AddressOf(w.op1), 5*usd)
}

// A node that asks for no tip: others want one of 1 wei at least, and none takes a replacement with the same tip.
func TestBatchHasATipWhereTheNodeAsksForNone(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	node := newFlakyNode(t, w.URL())
	node.noTip.Store(true)
	gateway := w.open(t, w.gateway, func(c *ethchain.Config) {
		impatient(c)
		c.Client, c.RPC = nil, node.URL
	})
	release := w.hold(t)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	tx, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	checkState(t, gateway, tx, settlement.TxPending)
	if w.pending(t).Hash() == tx {
		t.Fatal("the late batch was not replaced")
	}
	node.noTip.Store(false) // the development chain mines none of 1 wei
	release()
	must(t, gateway.WaitMined(ctx, tx))
	checkClaimable(t, gateway, ethchain.AddressOf(w.op1), 5*usd)
}

// A new process knows the hash that the ledger has recorded, or nothing.
func TestStuckTransactionOfAFormerProcessIsRaised(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	release := w.hold(t)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	recorded, err := w.as(t, w.gateway).SubmitBatch(ctx, b, sig)
	must(t, err)
	second := w.open(t, w.gateway, impatient)
	checkState(t, second, recorded, settlement.TxPending)
	checkState(t, second, recorded, settlement.TxPending)
	raised := w.pending(t).Hash()
	if raised == recorded {
		t.Fatal("the former process's transaction was not raised")
	}
	third := w.as(t, w.gateway) // its ledger has the hash of a version that is gone
	checkState(t, third, recorded, settlement.TxUnknown)
	found, err := third.SubmitBatch(ctx, b, sig)
	must(t, err)
	if found != raised {
		t.Fatalf("the batch was sent as %s while %s was pending", found, raised)
	}
	release()
	must(t, third.WaitMined(ctx, found))
	checkState(t, second, recorded, settlement.TxMined)
	checkClaimable(t, third, ethchain.AddressOf(w.op1), 5*usd)
}

// A node whose pool fills up drops the cheapest and does not take them again: they are offered for more, as what is late.
func TestBatchThatIsDroppedAsTooCheapIsOfferedForMore(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	node := newFlakyNode(t, w.URL())
	gateway := w.open(t, w.gateway, func(c *ethchain.Config) {
		impatient(c)
		c.Client, c.RPC = nil, node.URL
	})
	release := w.hold(t)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	tx, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	was := w.pending(t).GasFeeCap()
	node.leastFee.Store(was.Int64() + 1)
	w.Drop()
	for range 3 {
		checkState(t, gateway, tx, settlement.TxPending)
	}
	if n := len(w.waiting(t, gateway.Account())); n != 1 {
		t.Fatalf("%d transactions wait in the pool, want the one for more than %s wei", n, was)
	}
	release()
	must(t, gateway.WaitMined(ctx, tx))
	checkClaimable(t, gateway, ethchain.AddressOf(w.op1), 5*usd)
}

// warnings calls told at every record of a warning or worse.
type warnings struct {
	slog.Handler
	told func()
}

func (warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (w warnings) Handle(context.Context, slog.Record) error      { w.told(); return nil }

func TestFeeIsNeverRaisedAboveTheCeiling(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	head, err := w.Client().HeaderByNumber(ctx, nil)
	must(t, err)
	ceiling := new(big.Int).Add(head.BaseFee, big.NewInt(2e9)) // enough to send, too little to raise twice
	node, told := newFlakyNode(t, w.URL()), 0
	gateway := w.open(t, w.gateway, func(c *ethchain.Config) {
		impatient(c)
		c.Client, c.RPC, c.MaxFeePerGas = nil, node.URL, ceiling
		c.Logger = slog.New(warnings{slog.DiscardHandler, func() { told++ }})
	})
	release := w.hold(t)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	tx, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	for range 50 {
		checkState(t, gateway, tx, settlement.TxPending)
		if got := w.pending(t).GasFeeCap(); got.Cmp(ceiling) > 0 {
			t.Fatalf("the cap is %s, above the ceiling %s", got, ceiling)
		}
	}
	if sent := node.count("eth_sendRawTransaction"); told != 1 || sent > 20 {
		t.Fatalf("%d warnings and %d transactions, want one warning and few transactions", told, sent)
	}
	waiting, stop := context.WithCancel(ctx)
	sender, err := ethchain.NewSender(ethchain.Config{
		Client: w.Client(), ChainID: devchain.ChainID, Key: w.gateway, RaiseAfter: time.Nanosecond, MaxFeePerGas: ceiling,
		Logger: slog.New(warnings{slog.DiscardHandler, stop}),
	})
	must(t, err)
	_, err = sender.Wait(waiting, w.pending(t)) // says why it waited in vain
	wantErr(t, err, ethchain.ErrPending)
	wantErr(t, err, ethchain.ErrFeeTooHigh)
	release()
	must(t, gateway.WaitMined(ctx, tx)) // not lost
}

func TestNonceThatAStrangerTookIsNoticed(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	gateway := w.as(t, w.gateway)
	release := w.hold(t)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	lost, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	w.stranger(t, w.pending(t).Nonce())
	release()
	eventually(t, "the batch is known as lost", func() bool {
		state, err := gateway.TxStatus(ctx, lost)
		must(t, err)
		return state == settlement.TxUnknown
	})
	again, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	if again == lost {
		t.Fatal("the replaced transaction was returned once more")
	}
	must(t, gateway.WaitMined(ctx, again))
	checkClaimable(t, gateway, ethchain.AddressOf(w.op1), 5*usd)

	release = w.hold(t)
	done := make(chan error, 1)
	go func() { done <- gateway.Approve(ctx, usd) }()
	eventually(t, "the approval is pending", func() bool { return len(w.waiting(t, gateway.Account())) == 1 })
	w.stranger(t, w.pending(t).Nonce())
	release()
	wantErr(t, <-done, ethchain.ErrReplaced)
}

// A reorganisation takes a settled batch out. It comes back by itself, or is given to the node again where the node
// has forgotten it, and pays once.
func TestReorganisedBatchComesBackAndPaysOnce(t *testing.T) {
	for name, forget := range map[string]bool{"node keeps it": false, "node forgets it": true} {
		t.Run(name, func(t *testing.T) {
			w, ctx := funded(t), deadline(t)
			gateway := w.as(t, w.gateway)
			b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
			tx, err := gateway.SubmitBatch(ctx, b, sig)
			must(t, err)
			must(t, gateway.WaitMined(ctx, tx))
			at, err := gateway.BatchAnchor(ctx, gateway.Account(), 1)
			must(t, err)
			if at.Root != b.ReceiptsRoot || at.Tx != tx || at.Depth != 1 {
				t.Fatalf("anchored as %+v, want transaction %s at depth 1", at, tx)
			}
			release := w.hold(t)
			must(t, w.Reorg(1))
			if forget {
				w.Drop()
			}
			at, err = gateway.BatchAnchor(ctx, gateway.Account(), 1)
			must(t, err)
			if at != (settlement.Anchor{}) {
				t.Fatalf("still anchored as %+v", at)
			}
			checkClaimable(t, gateway, ethchain.AddressOf(w.op1), 0)
			checkState(t, gateway, tx, settlement.TxPending)
			again, err := gateway.SubmitBatch(ctx, b, sig)
			must(t, err)
			if again != tx {
				t.Fatalf("the batch came back as %s, was %s", again, tx)
			}
			release()
			must(t, gateway.WaitMined(ctx, tx))
			_, err = gateway.SubmitBatch(ctx, b, sig)
			wantErr(t, err, settlement.ErrAlreadySettled)
			checkClaimable(t, gateway, ethchain.AddressOf(w.op1), 5*usd)
			w.warp(t, time.Second)
			at, err = gateway.BatchAnchor(ctx, gateway.Account(), 1)
			must(t, err)
			if at.Tx != tx || at.Depth != 2 {
				t.Fatalf("anchored as %+v, want transaction %s at depth 2", at, tx)
			}
		})
	}
}

// The node is away while a transaction waits and when the next question comes.
func TestNodeThatIsDownCostsNothing(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	node := newFlakyNode(t, w.URL())
	gateway := through(t, w, node)
	op := ethchain.AddressOf(w.op1)
	release := w.hold(t)
	done := make(chan error, 1)
	go func() { done <- gateway.Deposit(ctx, op, usd) }() // approves first
	eventually(t, "the approval is pending", func() bool { return len(w.waiting(t, gateway.Account())) == 1 })
	node.down.Store(true)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	for name, call := range gatewayCalls(ctx, gateway, op, b, sig) {
		if err := call(); err == nil || errors.Is(err, settlement.ErrChainReset) || errors.Is(err, ethchain.ErrReverted) {
			t.Errorf("%s without a node: %v", name, err)
		}
	}
	release()
	node.down.Store(false)
	must(t, <-done)
	mined(t, gateway)(gateway.SubmitBatch(ctx, b, sig))
	checkClaimable(t, gateway, op, 5*usd)
}
