package node

import (
	"context"
	"sync"
	"time"

	"flotilla/node/backend"
)

// readyFresh is how long a model server that was there is believed to be there still, so that an order does not wait for a
// question to it first. One that goes in between fails its answers before their first byte, and the gateway asks another
// operator.
const readyFresh = time.Second

// readiness remembers when each of an operator's model servers was last found ready.
type readiness struct {
	mu   sync.Mutex                     // guards seen; never held while a server is asked
	seen map[*backend.Backend]time.Time // as many as the configuration has
}

// check asks the server, unless it was ready within readyFresh.
func (r *readiness) check(ctx context.Context, b *backend.Backend, now time.Time) error {
	r.mu.Lock()
	at, known := r.seen[b]
	r.mu.Unlock()
	if known && now.Sub(at) < readyFresh {
		return nil
	}
	if err := b.Ready(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = make(map[*backend.Backend]time.Time)
	}
	r.seen[b] = now
	return nil
}
