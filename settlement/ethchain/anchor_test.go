package ethchain_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// Public nodes refuse questions for events of many blocks: the history is read in pieces then, and says the same.
func TestAnchorIsFoundInPieces(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	gateway := w.as(t, w.gateway)
	var want []settlement.Anchor
	for n := range uint64(3) {
		b, sig := w.batch(t, n+1, byte(n+1), lane(w.op1, settlement.Amount(n+1)*usd))
		tx, err := gateway.SubmitBatch(ctx, b, sig)
		must(t, err)
		must(t, gateway.WaitMined(ctx, tx))
		must(t, gateway.Approve(ctx, usd)) // a block in between
		receipt, err := w.Client().TransactionReceipt(ctx, tx)
		must(t, err)
		want = append(want, settlement.Anchor{Root: b.ReceiptsRoot, Count: b.ReceiptCount, Tx: tx, Block: receipt.BlockNumber.Uint64()})
	}
	head, err := w.Client().BlockNumber(ctx)
	must(t, err)
	for i := range want {
		want[i].Depth = head - want[i].Block + 1
	}
	want = append(want, settlement.Anchor{}) // the next one is not there
	node := newFlakyNode(t, w.URL())
	piecewise := through(t, w, node)
	for _, blocks := range []uint64{0, 1, 2, 3, 5, 1000} {
		node.maxRange.Store(int64(blocks))
		ethchain.SetScanBlocks(piecewise, max(blocks, 1))
		var got []settlement.Anchor
		for n := range want {
			at, err := piecewise.BatchAnchor(ctx, gateway.Account(), uint64(n+1))
			must(t, err)
			got = append(got, at)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in pieces of %d (-want +got):\n%s", blocks, diff)
		}
	}
	node.answers.Store(0) // refuses whatever is asked
	before := node.count("eth_getLogs")
	ethchain.SetScanBlocks(piecewise, 4)
	if _, err := piecewise.BatchAnchor(ctx, gateway.Account(), 1); err == nil || node.count("eth_getLogs") != before+4 {
		t.Errorf("error %v after %d questions, want one after those for all, four, two and one block", err, node.count("eth_getLogs")-before)
	}
}

// Some nodes allow fewer blocks than others. What they allow is found by asking for less.
func TestNodeThatAllowsFewBlocks(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	gateway := w.as(t, w.gateway)
	b, sig := w.batch(t, 1, 1, lane(w.op1, usd))
	mined(t, gateway)(gateway.SubmitBatch(ctx, b, sig))
	for range 320 {
		w.warp(t, time.Second)
	}
	for _, most := range []int64{160, 10, 1} {
		node := newFlakyNode(t, w.URL())
		reader := through(t, w, node)
		node.maxRange.Store(most)
		found, err := reader.StakedOperators(ctx)
		must(t, err)
		at, err := reader.BatchAnchor(ctx, gateway.Account(), 1)
		must(t, err)
		if len(found) != 1 || at.Root != b.ReceiptsRoot {
			t.Errorf("%d blocks at once: found operators %v and root %s, want one and %s", most, found, at.Root, b.ReceiptsRoot)
		}
	}
}

// A node that refuses wide questions for a while is not asked in small pieces for ever.
func TestQuestionsForEventsWidenAgain(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	for range 500 {
		w.warp(t, time.Second)
	}
	node := newFlakyNode(t, w.URL())
	reader := through(t, w, node)
	ethchain.SetScanBlocks(reader, 100)
	node.maxRange.Store(1)
	node.widenAfter.Store(20)
	found, err := reader.StakedOperators(ctx)
	must(t, err)
	if asked := node.count("eth_getLogs"); len(found) != 1 || asked > 120 {
		t.Errorf("found %v with %d questions: one with 7 refusals, 20 answers for a block each and some 90 in wider pieces", found, asked)
	}
}
