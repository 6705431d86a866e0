package node

import (
	"errors"
	"io"
	"testing"

	"flotilla/p2p"
)

// An answer that is over keeps nobody from the model: not its own gateway, whose voucher is on its way, and not others. What is owed
// without a voucher is bounded by the credit limit.
func TestAnswersThatWaitForVouchersHoldNoSlot(t *testing.T) {
	w := newWorld(t)
	c := w.customer(t, fiveTokens, OperatorConfig{MaxConcurrent: 1, MaxPerGateway: 1, CreditLimit: 100})
	answers := 0
	for ; ; answers++ {
		call, err := c.ask(t.Context(), c.order(customerBody), customerBody)
		if rejected := (*p2p.RejectedError)(nil); errors.As(err, &rejected) {
			if rejected.Code != codeNeedVoucher {
				t.Errorf("refused after %d answers: %v", answers, err)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = call.Close() }()
		for err == nil {
			_, err = call.Recv(t.Context())
		}
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if held := c.holds(); held != 0 {
			t.Errorf("%d slots are held by an answer that is over", held)
		}
	}
	t.Logf("%d answers without a voucher, for %s", answers, c.owed())
}
