package ethchain_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"flotilla/contracts/bindings"
	"flotilla/settlement/ethchain"
)

// flakyNode passes questions on to a real node, as far as its switches let it.
type flakyNode struct {
	*httptest.Server
	target     atomic.Value // URL of the node
	down       atomic.Bool  // answers nothing
	drop       atomic.Int64 // how many more transactions are taken and thrown away, as by a node whose pool is lost in a crash
	leastFee   atomic.Int64 // wei for a unit of gas below which it takes no transaction, as where the pool is full of dearer ones
	lag        atomic.Int64 // how many more times no transaction of the account is in a block, as of a node that is behind
	private    atomic.Bool  // does not tell what is pending
	maxRange   atomic.Int64 // blocks that one question for events may span; 0: any
	widenAfter atomic.Int64 // after how many answers for events maxRange ends; 0: never
	answers    atomic.Int64 // how many more questions for events it answers, as far as a caller's time goes; below 0: any
	busy       atomic.Bool  // calls no contract, as where its owner has asked too much
	noTip      atomic.Bool  // has nobody pay a tip
	slow       atomic.Int64 // nanoseconds before each answer
	behind     atomic.Int64 // how many more times it has no receipt, as of a node behind the one that told the nonce

	approved func(owner, spender common.Address) bool // refuses to change an allowance for another, as USDT does; may be nil

	mu    sync.Mutex
	calls map[string]int
	hung  map[string]func() // called once, before the next answer of the method
}

type rpcCall struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

func newFlakyNode(t *testing.T, url string) *flakyNode {
	t.Helper()
	n := &flakyNode{calls: map[string]int{}}
	n.target.Store(url)
	n.answers.Store(-1)
	n.Server = httptest.NewServer(n)
	t.Cleanup(n.Close)
	return n
}

// hang keeps the next answer of a method until unhold is closed, and closes held when it is asked for.
func (n *flakyNode) hang(method string, held chan<- struct{}, unhold <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hung = map[string]func(){method: func() { close(held); <-unhold }}
}

// count returns how often a method was called.
func (n *flakyNode) count(method string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls[method]
}

func (n *flakyNode) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	var call rpcCall
	if err != nil || json.Unmarshal(body, &call) != nil || n.down.Load() {
		http.Error(out, "the node is down", http.StatusBadGateway)
		return
	}
	n.mu.Lock()
	n.calls[call.Method]++
	hang := n.hung[call.Method]
	delete(n.hung, call.Method)
	n.mu.Unlock()
	if hang != nil {
		hang()
	}
	time.Sleep(time.Duration(n.slow.Load()))
	out.Header().Set("Content-Type", "application/json")
	if instead := n.instead(call); instead != nil {
		instead["jsonrpc"], instead["id"] = "2.0", call.ID
		_ = json.NewEncoder(out).Encode(instead)
		return
	}
	resp, err := http.Post(n.target.Load().(string), "application/json", bytes.NewReader(body))
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(out, resp.Body)
}

// instead returns the answer that a switch gives in the node's place; nil when none does.
func (n *flakyNode) instead(call rpcCall) map[string]any {
	refuse := func(text string) map[string]any {
		return map[string]any{"error": map[string]any{"code": -32601, "message": text}}
	}
	switch call.Method {
	case "eth_sendRawTransaction":
		var raw hexutil.Bytes
		var tx types.Transaction
		if json.Unmarshal(call.Params[0], &raw) != nil || tx.UnmarshalBinary(raw) != nil {
			return refuse("not a transaction")
		}
		if tx.GasFeeCap().Cmp(big.NewInt(n.leastFee.Load())) < 0 {
			return refuse("transaction underpriced")
		}
		if n.drop.Add(-1) < 0 {
			return nil
		}
		return map[string]any{"result": tx.Hash()}
	case "eth_getTransactionCount":
		if string(call.Params[1]) == `"latest"` && n.lag.Add(-1) >= 0 {
			return map[string]any{"result": "0x0"}
		}
	case "eth_estimateGas":
		if n.approved != nil && n.changesAllowance(call) {
			return refuse("execution reverted")
		}
	case "eth_call":
		if n.busy.Load() {
			return refuse("rate limit exceeded")
		}
	case "eth_maxPriorityFeePerGas":
		if n.noTip.Load() {
			return map[string]any{"result": "0x0"}
		}
	case "eth_getTransactionReceipt":
		if n.behind.Add(-1) >= 0 {
			return map[string]any{"result": nil}
		}
	case "txpool_contentFrom":
		if n.private.Load() {
			return refuse("the method is not available")
		}
	case "eth_getLogs":
		var filter struct{ FromBlock, ToBlock hexutil.Uint64 }
		most := n.maxRange.Load()
		if n.answers.Load() >= 0 && n.answers.Add(-1) < 0 {
			n.answers.Store(0)
			return refuse("too many questions")
		}
		if json.Unmarshal(call.Params[0], &filter) == nil && most > 0 && int64(filter.ToBlock-filter.FromBlock) >= most {
			return refuse("block range is too wide")
		}
		if n.widenAfter.Load() > 0 && n.widenAfter.Add(-1) == 0 {
			n.maxRange.Store(0)
		}
	}
	return nil
}

// changesAllowance says whether a call approves something where something is approved.
func (n *flakyNode) changesAllowance(call rpcCall) bool {
	var tx struct {
		From  common.Address
		Input hexutil.Bytes
	}
	approve := bindings.NewTestToken().GetABI().Methods["approve"]
	if json.Unmarshal(call.Params[0], &tx) != nil || !bytes.HasPrefix(tx.Input, approve.ID) {
		return false
	}
	args, err := approve.Inputs.Unpack(tx.Input[len(approve.ID):])
	return err == nil && args[1].(*big.Int).Sign() != 0 && n.approved(tx.From, args[0].(common.Address))
}

// through opens the gateway's contract over the flaky node.
func through(t *testing.T, w *world, n *flakyNode) *ethchain.Chain {
	t.Helper()
	return w.open(t, w.gateway, func(c *ethchain.Config) { c.Client, c.RPC = nil, n.URL })
}

// eventually waits until done says so.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, tick := deadline(t), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// hold keeps transactions pending until the test or release ends it.
func (w *world) hold(t *testing.T) (release func()) {
	t.Helper()
	release = sync.OnceFunc(w.Hold())
	t.Cleanup(release)
	return release
}

// funded returns a world whose first operator has staked 100 dollars and whose gateway has put 50 in their lane.
func funded(t *testing.T) *world {
	t.Helper()
	w, ctx := newWorld(t, gap), deadline(t)
	must(t, w.as(t, w.op1).AddStake(ctx, 100*usd))
	must(t, w.as(t, w.gateway).Deposit(ctx, ethchain.AddressOf(w.op1), 50*usd))
	return w
}

// waiting returns the transactions of an account that wait for a block.
func (w *world) waiting(t *testing.T, account common.Address) []common.Hash {
	t.Helper()
	hashes, err := w.Pending(account)
	must(t, err)
	return hashes
}

// pending returns the only transaction of the gateway that waits for a block.
func (w *world) pending(t *testing.T) *types.Transaction {
	t.Helper()
	hashes := w.waiting(t, ethchain.AddressOf(w.gateway))
	if len(hashes) != 1 {
		t.Fatalf("%d transactions are pending, want one", len(hashes))
	}
	tx, _, err := w.Client().TransactionByHash(deadline(t), hashes[0])
	must(t, err)
	return tx
}

// stranger sends by hand a transaction of the gateway's account that does nothing, and outbids what is pending.
func (w *world) stranger(t *testing.T, nonce uint64) {
	t.Helper()
	to := ethchain.AddressOf(w.gateway)
	tx, err := types.SignNewTx(w.gateway, types.LatestSignerForChainID(big.NewInt(1337)), &types.DynamicFeeTx{
		ChainID: big.NewInt(1337), Nonce: nonce, Gas: 21_000, To: &to, GasTipCap: big.NewInt(5e9), GasFeeCap: big.NewInt(100e9),
	})
	must(t, err)
	must(t, w.Client().SendTransaction(deadline(t), tx))
}
