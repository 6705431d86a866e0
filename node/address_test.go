package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/node/backend"
	"flotilla/p2p"
)

// What an operator tells of its own troubles names none of its addresses: not its model server's, nor its Ethereum node's, whose URL
// often holds a key that is paid for.
func TestOperatorNamesNoAddressOfItsOwn(t *testing.T) {
	w := newWorld(t)
	var gone atomic.Bool
	c := w.customer(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost || gone.Load() {
			panic(http.ErrAbortHandler)
		}
		fiveTokens(rw, r)
	}, OperatorConfig{})
	body := `{"stream":true,"messages":[{"role":"user","content":"hi"}]}`
	_, end, err := c.take(c.order(body), body)
	if err != nil || end.Error == "" || strings.Contains(end.Error+string(end.Fault), "127.0.0.1") {
		t.Errorf("the answer ends with %q, fault %q, %v", end.Error, end.Fault, err)
	}
	gone.Store(true)
	var rejected *p2p.RejectedError
	w.eventually("the operator finds its model server gone", func() bool {
		o := c.order(body)
		o.Nonce = crypto.Keccak256Hash([]byte(time.Now().String())) // one that still waits for its settlement is not begun again
		_, _, err := c.take(o, body)
		return errors.As(err, &rejected) && rejected.Code == codeNotReady
	})
	if strings.Contains(rejected.Message, "127.0.0.1") {
		t.Errorf("the order is refused with %q", rejected.Message)
	}
}

// An operator with more addresses than a message may name, as a machine with containers has, is in the fleet like any other.
func TestOperatorOfManyAddresses(t *testing.T) {
	w := newWorld(t)
	for range p2p.MaxAdvertAddrs + 1 {
		w.operatorListen = append(w.operatorListen, "/ip4/127.0.0.1/tcp/0")
	}
	w.honestOperator()
}

func TestOutwards(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 8545}, Err: syscall.ECONNREFUSED}
	asked := &url.Error{Op: "Post", URL: "https://node.example/v3/KEY", Err: refused}
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("order pays another"), "order pays another"},
		{fmt.Errorf("read lane of 0x1: %w", asked), "read lane of 0x1: connection failed"},
		{fmt.Errorf("%w: %w", backend.ErrTruncated, refused), "model server cut its answer short: connection failed"},
		{&url.Error{Op: "Get", URL: "https://10.0.0.5", Err: context.DeadlineExceeded}, "connection failed"},
		{hiding{asked}, "connection failed"},
	} {
		if got := outwards(c.err); got != c.want {
			t.Errorf("%q is told as %q, want %q", c.err, got, c.want)
		}
	}
}

// hiding wraps an error whose text it does not repeat as it was.
type hiding struct{ error }

func (h hiding) Error() string { return strings.ToUpper(h.error.Error()) }
func (h hiding) Unwrap() error { return h.error }
