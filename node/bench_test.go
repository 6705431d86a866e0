package node

import "testing"

// BenchmarkAnswer is one streamed answer of five tokens from a model server that takes no time: asked directly, and
// through gateway, libp2p and operator with order, receipt, countersignature, voucher and both ledgers on disk. The
// difference is what the fleet adds to a request of a named model; BenchmarkDecision in cmd/flotilla is what automatic
// choice adds to that.
func BenchmarkAnswer(b *testing.B) {
	w := newWorld(b)
	w.honestOperator()
	for _, c := range []struct{ name, url string }{
		{"direct", w.modelURL},
		{"through-the-fleet", "http://" + w.gateway.HTTPAddr()},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if status, body := w.chatAt(c.url); status != 200 {
					b.Fatalf("status %d: %s", status, body)
				}
			}
		})
	}
}
