package ethchain_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

// forgetfulNode passes questions on to a node, but drops the next `drop` transactions after saying that
// it took them, as a node does whose pool is lost in a crash.
type forgetfulNode struct {
	*httptest.Server
	drop, sent atomic.Int64
	lag        atomic.Int64 // how many more times the head is said to be the first block
}

func newForgetfulNode(t *testing.T, url string) *forgetfulNode {
	t.Helper()
	n := &forgetfulNode{}
	n.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		var call struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params []hexutil.Bytes `json:"params"`
		}
		if json.Unmarshal(body, &call) == nil && call.Method == "eth_sendRawTransaction" {
			n.sent.Add(1)
			if n.drop.Add(-1) >= 0 {
				var tx types.Transaction
				if err := tx.UnmarshalBinary(call.Params[0]); err != nil {
					http.Error(out, err.Error(), http.StatusBadRequest)
					return
				}
				out.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(out).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": tx.Hash()})
				return
			}
		}
		if call.Method == "eth_blockNumber" && n.lag.Add(-1) >= 0 {
			out.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(out).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": "0x0"})
			return
		}
		resp, err := http.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			http.Error(out, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		out.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(out, resp.Body)
	}))
	t.Cleanup(n.Close)
	return n
}

func through(t *testing.T, w *world, n *forgetfulNode) *ethchain.Chain {
	t.Helper()
	c, err := ethchain.New(deadline(t), ethchain.Config{
		RPC: n.URL, Contract: w.Settlement, ChainID: devchain.ChainID, Key: w.gateway, PollEvery: 5 * time.Millisecond,
	})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return c
}

func TestDroppedTransactionIsSentAgainWhileWaiting(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	node := newForgetfulNode(t, w.URL())
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

// A node shows a receipt a moment before its head is the receipt's block. Who returns then reads the state before its
// own transaction: a deployment was once found without parameters this way.
func TestWaitsUntilTheHeadHasTheTransaction(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	node := newForgetfulNode(t, w.URL())
	gateway := through(t, w, node)
	node.lag.Store(3)
	must(t, gateway.Approve(ctx, 5*usd))
	if left := node.lag.Load(); left >= 0 {
		t.Fatalf("a transaction was taken for done while the head lay before its block (%d lagging answers left)", left+1)
	}
}

func TestDroppedBatchIsSentAgainAndPaysOnce(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	op := w.as(t, w.op1)
	must(t, op.AddStake(ctx, 100*usd))
	must(t, w.as(t, w.gateway).Deposit(ctx, op.Account(), 50*usd))
	node := newForgetfulNode(t, w.URL())
	gateway := through(t, w, node)
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	node.drop.Store(1)
	first, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	state, err := gateway.TxStatus(ctx, first)
	must(t, err)
	if state != settlement.TxUnknown {
		t.Fatalf("a dropped transaction is %v, want unknown", state)
	}
	second, err := gateway.SubmitBatch(ctx, b, sig)
	must(t, err)
	if first != second {
		t.Fatalf("the batch went out as %s and as %s: both could take effect", first, second)
	}
	must(t, gateway.WaitMined(ctx, second))
	checkClaimable(t, op, op.Account(), 5*usd)
}

// A second process with the same key, as after a crash between sending and recording.
func TestBatchThatAFormerProcessSentIsWaitedFor(t *testing.T) {
	w, ctx := newWorld(t, 300*time.Millisecond), deadline(t)
	op := w.as(t, w.op1)
	must(t, op.AddStake(ctx, 100*usd))
	must(t, w.as(t, w.gateway).Deposit(ctx, op.Account(), 50*usd))
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	_, err := w.as(t, w.gateway).SubmitBatch(ctx, b, sig)
	must(t, err)
	_, err = w.as(t, w.gateway).SubmitBatch(ctx, b, sig)
	wantErr(t, err, settlement.ErrAlreadySettled)
	checkClaimable(t, op, op.Account(), 5*usd)
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
