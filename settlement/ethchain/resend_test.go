package ethchain_test

import (
	"context"
	"errors"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

func TestDroppedTransactionIsSentAgainWhileWaiting(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	node := newFlakyNode(t, w.URL())
	gateway := through(t, w, node)
	must(t, gateway.Approve(ctx, 5*usd))
	node.drop.Store(2)
	must(t, gateway.Deposit(ctx, ethchain.AddressOf(w.op1), 5*usd))
	got, err := gateway.Lane(ctx, gateway.Account(), ethchain.AddressOf(w.op1))
	must(t, err)
	if got.Balance != 5*usd {
		t.Fatalf("lane holds %s after a deposit that was sent three times, want %s", got.Balance, 5*usd)
	}
	if node.drop.Load() >= 0 {
		t.Fatal("nothing was dropped: the test shows nothing")
	}
}

// A node shows a receipt a moment before its newest state is that of the receipt's block. Who returns then reads the
// state before its own transaction: a deployment was once found without parameters this way.
func TestWaitsUntilTheHeadHasTheTransaction(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	node := newFlakyNode(t, w.URL())
	gateway := through(t, w, node)
	node.lag.Store(20)
	must(t, gateway.Approve(ctx, 5*usd))
	if left := node.lag.Load(); left >= 0 {
		t.Fatalf("a transaction was taken for done while the state lay before its block (%d lagging answers left)", left+1)
	}
}

// Behind one URL stand many nodes: one tells that the nonce is used up, another has not seen the block yet. Who is told
// then that its stake was replaced stakes again.
func TestReceiptThatComesLateIsWaitedFor(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	node := newFlakyNode(t, w.URL())
	gateway := through(t, w, node)
	node.behind.Store(20)
	must(t, gateway.Approve(ctx, 5*usd))
	if left := node.behind.Load(); left >= 0 {
		t.Fatalf("%d answers of a node that is behind are left: the test shows nothing", left)
	}
}

// A deposit that is not mined before its caller's time is over is asked for again, maybe after a restart. It is the same
// one then.
func TestDepositThatIsPendingIsNotSentTwice(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	node, anew, op := newFlakyNode(t, w.URL()), newFlakyNode(t, w.URL()), ethchain.AddressOf(w.op1)
	gateway := through(t, w, node)
	must(t, gateway.Approve(ctx, 5*usd))
	release := w.hold(t)
	deposit := func(ctx context.Context, chain *ethchain.Chain, node *flakyNode) <-chan error {
		before, done := node.count("eth_getTransactionByHash"), make(chan error, 1)
		go func() { done <- chain.Deposit(ctx, op, 5*usd) }()
		eventually(t, "a pending transaction is looked after", func() bool { return node.count("eth_getTransactionByHash") > before })
		return done
	}
	short, stop := context.WithCancel(ctx)
	first := deposit(short, gateway, node)
	stop()
	wantErr(t, <-first, ethchain.ErrPending)
	second, third := deposit(ctx, gateway, node), deposit(ctx, through(t, w, anew), anew)
	release()
	must(t, errors.Join(<-second, <-third))
	got, err := gateway.Lane(ctx, gateway.Account(), op)
	must(t, err)
	used, err := w.Client().NonceAt(ctx, gateway.Account(), nil)
	must(t, err)
	if got.Balance != 5*usd || used != 2 {
		t.Fatalf("lane holds %s after %d transactions, want %s after an approval and a deposit", got.Balance, used, 5*usd)
	}
}

func TestDroppedBatchIsSentAgainAndPaysOnce(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	node := newFlakyNode(t, w.URL())
	gateway := through(t, w, node)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	node.drop.Store(2)
	first, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	checkState(t, gateway, first, settlement.TxPending) // given to the node again, and dropped again
	second, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	if first != second || node.drop.Load() >= 0 {
		t.Fatalf("the batch went out as %s and as %s: both could take effect", first, second)
	}
	must(t, gateway.WaitMined(ctx, second))
	checkClaimable(t, gateway, ethchain.AddressOf(w.op1), 5*usd)
}

// Later transactions wait for the earlier: asking for one brings back those before it too, in their order.
func TestNodeThatForgetsItsPoolGetsAllOfItAgain(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	gateway := w.as(t, w.gateway)
	release := w.hold(t)
	v, vsig := w.voucher(t, w.op1, 2*usd)
	_, err := gateway.SettleVoucher(ctx, v, vsig)
	must(t, err)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	tx, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	before := w.waiting(t, gateway.Account())
	w.Drop()
	if len(before) != 2 || len(w.waiting(t, gateway.Account())) != 0 {
		t.Fatalf("%d transactions were pending, some still are", len(before))
	}
	checkState(t, gateway, tx, settlement.TxPending)
	if diff := cmp.Diff(before, w.waiting(t, gateway.Account())); diff != "" {
		t.Fatalf("pending (-before +after):\n%s", diff)
	}
	w.Drop()
	next := make(chan error, 1)
	go func() { next <- gateway.Approve(ctx, usd) }() // a new call never takes the nonce of a lost one
	eventually(t, "three pending transactions", func() bool { return len(w.waiting(t, gateway.Account())) == 3 })
	release()
	must(t, <-next)
	checkState(t, gateway, tx, settlement.TxMined)
	checkClaimable(t, gateway, ethchain.AddressOf(w.op1), 5*usd)
}

// A second process with the same key, as after a crash between sending and recording.
func TestBatchThatAFormerProcessSentIsFound(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	release := w.hold(t)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	former, err := w.as(t, w.gateway).SubmitBatch(ctx, b, sig)
	must(t, err)
	again := w.as(t, w.gateway)
	found, err := again.SubmitBatch(ctx, b, sig)
	must(t, err)
	if found != former || w.pending(t).Hash() != former {
		t.Fatalf("the batch went out as %s and as %s", former, found)
	}
	// A node that does not tell what is pending: the very batch may be, so nothing is sent until it is mined.
	node := newFlakyNode(t, w.URL())
	node.private.Store(true)
	blind := through(t, w, node)
	waiting, stop := context.WithCancel(ctx)
	refused := make(chan error, 1)
	go func() {
		_, err := blind.SubmitBatch(waiting, b, sig)
		refused <- err
	}()
	eventually(t, "it waits", func() bool { return node.count("txpool_contentFrom") > 1 })
	stop()
	wantErr(t, <-refused, ethchain.ErrPending)
	w.pending(t)
	release()
	must(t, again.WaitMined(ctx, former))
	_, err = blind.SubmitBatch(ctx, b, sig)
	wantErr(t, err, settlement.ErrAlreadySettled)
	checkClaimable(t, again, ethchain.AddressOf(w.op1), 5*usd)
}

// Who asks again while a voucher or a proof is pending does not pay for it twice.
func TestVouchersAndEvidenceAreNotSentTwice(t *testing.T) {
	c, ctx := newContradiction(t), deadline(t)
	gateway := c.as(t, c.gateway)
	must(t, gateway.Deposit(ctx, c.advert.Operator, 50*usd))
	v, sig := c.voucher(t, c.op1, 2*usd)
	evidence := c.faults(t)["above the price"].evidence
	release := c.hold(t)
	for range 2 {
		_, err := gateway.SettleVoucher(ctx, v, sig)
		must(t, err)
		_, err = gateway.SubmitEvidence(ctx, evidence, gateway.Account())
		must(t, err)
	}
	pending := c.waiting(t, gateway.Account())
	if len(pending) != 2 {
		t.Fatalf("%d transactions are pending, want two", len(pending))
	}
	release()
	for _, tx := range pending {
		must(t, gateway.WaitMined(ctx, tx))
	}
}

// Two accounts bring one signed batch in the same block: the contract admits one.
func TestOneBatchInTwoTransactionsPaysOnce(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	release := w.hold(t)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	one, other := w.as(t, w.gateway), w.as(t, w.nobody)
	first, err := one.SubmitBatch(ctx, b, sig)
	must(t, err)
	second, err := other.SubmitBatch(ctx, b, sig)
	must(t, err)
	release()
	states := map[settlement.TxState]int{}
	for _, tx := range []common.Hash{first, second} {
		eventually(t, "transaction in a block", func() bool {
			state, err := one.TxStatus(ctx, tx)
			must(t, err)
			if state == settlement.TxPending {
				return false
			}
			states[state]++
			return true
		})
	}
	if states[settlement.TxMined] != 1 || states[settlement.TxReverted] != 1 {
		t.Fatalf("states are %v, want one mined and one reverted", states)
	}
	checkClaimable(t, one, ethchain.AddressOf(w.op1), 5*usd)
}

func TestTransactionThatRevertsInItsBlock(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	op := w.as(t, w.op1)
	must(t, op.AddStake(ctx, 100*usd))
	sender, err := ethchain.NewSender(ethchain.Config{Client: w.Client(), ChainID: devchain.ChainID, Key: w.op1})
	must(t, err)
	nonce, err := w.Client().PendingNonceAt(ctx, op.Account())
	must(t, err)
	// Signed by hand, as the gas estimate would find out: a second thaw is never possible after the first.
	signed := func(nonce uint64) *types.Transaction {
		tx, err := types.SignNewTx(w.op1, types.LatestSignerForChainID(big.NewInt(devchain.ChainID)), &types.DynamicFeeTx{
			ChainID: big.NewInt(devchain.ChainID), Nonce: nonce, Gas: 200_000, To: &w.Stake,
			GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(10e9),
			Data: bindings.NewFlotillaStake().PackThawStake(big.NewInt(1)),
		})
		must(t, err)
		must(t, w.Client().SendTransaction(ctx, tx))
		return tx
	}
	first, second := signed(nonce), signed(nonce+1)
	_, err = sender.Wait(ctx, first)
	must(t, err)
	receipt, err := sender.Wait(ctx, second)
	wantErr(t, err, ethchain.ErrReverted)
	if receipt == nil || receipt.Status != types.ReceiptStatusFailed {
		t.Fatalf("receipt of the reverted transaction is %+v", receipt)
	}
	state, err := op.TxStatus(ctx, second.Hash())
	must(t, err)
	if state != settlement.TxReverted {
		t.Fatalf("state is %v, want reverted", state)
	}
	wantErr(t, op.WaitMined(ctx, second.Hash()), ethchain.ErrReverted)
	unknown, err := op.TxStatus(ctx, common.Hash{1})
	must(t, err)
	if unknown != settlement.TxUnknown {
		t.Fatalf("state of what was never sent is %v", unknown)
	}
}
