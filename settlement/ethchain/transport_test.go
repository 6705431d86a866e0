package ethchain_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

// A URL with a key in it is asked as it is, and told nobody.
func TestErrorsTellNoMoreOfTheURLThanItsHost(t *testing.T) {
	w := funded(t)
	var down atomic.Value // string: where the node sends what it is asked then
	down.Store("")
	node := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if in.Method == http.MethodGet { // clients follow a 301 without what they asked
			out.Header().Set("Content-Type", "text/html")
			return
		}
		user, password, _ := in.BasicAuth()
		if in.URL.Path != "/v3/s3cret" || in.URL.Query().Get("key") != "s3cret" || user != "me" || password != "s3cret" {
			http.Error(out, "unauthorized", http.StatusUnauthorized)
			return
		}
		switch down := down.Load().(string); down {
		case "":
			http.Redirect(out, in, w.URL(), http.StatusTemporaryRedirect)
		case "nowhere":
			panic(http.ErrAbortHandler)
		case "to a page":
			http.Redirect(out, in, in.URL.String(), http.StatusMovedPermanently)
		default:
			http.Redirect(out, in, down+"/v3/s3cret", http.StatusPermanentRedirect)
		}
	}))
	defer node.Close()
	at, err := url.Parse(node.URL)
	must(t, err)
	at.Path, at.RawQuery, at.User = "/v3/s3cret", "key=s3cret", url.UserPassword("me", "s3cret")
	cfg := ethchain.Config{RPC: at.String(), Contract: w.Settlement, ChainID: devchain.ChainID}
	c, err := ethchain.New(deadline(t), cfg)
	must(t, err)
	defer func() { must(t, c.Close()) }()
	for _, where := range []string{"nowhere", "to a page", "http://127.0.0.1:1"} {
		down.Store(where)
		_, err = c.Lane(deadline(t), common.Address{1}, common.Address{2})
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), at.Host) {
			t.Errorf("sent %s: got %v, want an error with the host and without the key", where, err)
		}
	}
	cfg.RPC = "http://127.0.0.1:1/v3/s3cret"
	if _, err = ethchain.New(deadline(t), cfg); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v, want an error without the key", err)
	}
}

// So are URLs of other kinds, ones that cannot be read, and ones whose beginning was left out: those pass for the path of a socket.
func TestErrorsOfOddURLsKeepTheKey(t *testing.T) {
	for rpc, none := range map[string]bool{
		"ws://127.0.0.1:1/v3/s3cret": false, "wss://me:s3cret@127.0.0.1:1/?key=s3cret": false, "node.example/v3/s3cret": false, "/tmp/s3cret": false,
		"https://node.example/v3/s3cret%zz": true, "wss://me:s3/cret@node.example:s3cret": true, "\nwss://node.example/s3cret": true, "s3cret://node.example/v3/s3cret": true,
		"localhost:8545/v3/s3cret": true,
	} {
		_, err := ethchain.New(deadline(t), ethchain.Config{RPC: rpc, Contract: common.Address{1}, ChainID: devchain.ChainID})
		if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "s3/") || errors.Is(err, ethchain.ErrNoURL) != none {
			t.Errorf("%q: got %v", rpc, err)
		}
	}
}

// A node that hangs keeps whoever sends for as long as a step may take. Another caller of the account leaves when its own time is over.
func TestWhoWaitsForTheAccountLeavesInTime(t *testing.T) {
	w, ctx := funded(t), deadline(t)
	node := newFlakyNode(t, w.URL())
	gateway := through(t, w, node)
	tx, err := gateway.SettleVoucher(ctx, settlement.Voucher{Payer: gateway.Account(), Payee: ethchain.AddressOf(w.op1), ValueAggregate: usd, ReceiptCount: 1}, sign(t, w.gateway,
		settlement.Voucher{Payer: gateway.Account(), Payee: ethchain.AddressOf(w.op1), ValueAggregate: usd, ReceiptCount: 1}.Digest(w.domain())))
	must(t, err)
	held, unhold := make(chan struct{}), make(chan struct{})
	node.hang("eth_getTransactionCount", held, unhold)
	first := make(chan error, 1)
	go func() { first <- gateway.Deposit(ctx, ethchain.AddressOf(w.op1), 7*usd) }()
	<-held
	for name, call := range map[string]func(context.Context) error{
		"deposit": func(ctx context.Context) error { return gateway.Deposit(ctx, ethchain.AddressOf(w.op2), usd) },
		"look":    func(ctx context.Context) error { _, err := gateway.TxStatus(ctx, tx); return err },
	} {
		short, stop := context.WithTimeout(ctx, 300*time.Millisecond)
		done := make(chan error, 1)
		go func() { done <- call(short) }()
		select {
		case err := <-done:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(3 * time.Second):
			t.Errorf("%s waits on behind another call", name)
		}
		stop()
	}
	close(unhold)
	must(t, <-first)
}

// Whatever comes in place of an answer, an error is one short line that says what it was.
func TestWhatIsNoAnswerIsToldInShort(t *testing.T) {
	page := "<!DOCTYPE html>" + strings.Repeat("<p>you are blocked</p>\n", 1000)
	for want, answer := range map[string]http.HandlerFunc{
		"web page": func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(out, page)
		},
		"503 Service Unavailable": func(out http.ResponseWriter, _ *http.Request) { http.Error(out, page, http.StatusServiceUnavailable) },
		"429 Too Many Requests":   func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusTooManyRequests) },
		"EOF":                     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		node := httptest.NewServer(answer)
		defer node.Close()
		_, err := ethchain.New(deadline(t), ethchain.Config{RPC: node.URL, Contract: common.Address{1}, ChainID: devchain.ChainID})
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 {
			t.Errorf("want %q in a short error, got %v", want, err)
		}
	}
}

// A node that takes long for each answer still gets a batch: a deadline is for one question, and a batch takes a dozen and more.
func TestBatchThroughASlowNode(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long by its nature")
	}
	w := funded(t)
	node := newFlakyNode(t, w.URL())
	gateway := through(t, w, node)
	node.slow.Store(int64(1200 * time.Millisecond))
	b, sig := w.batch(t, 1, 1, lane(w.op1, 5*usd))
	tx, err := gateway.SubmitBatch(deadline(t), b, sig)
	must(t, err)
	node.slow.Store(0)
	must(t, gateway.WaitMined(deadline(t), tx))
	checkClaimable(t, gateway, ethchain.AddressOf(w.op1), 5*usd)
}
