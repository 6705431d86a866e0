package p2p

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
)

// outbox publishes what a node says in a topic. GossipSub takes a message once, whether anybody listens or not: said too early it would
// be known to those only that pull. So the newest message waits for the first listener.
type outbox struct {
	topic *pubsub.Topic
	joins *pubsub.TopicEventHandler

	mu      sync.Mutex // guards waiting
	waiting []byte     // nil: none
}

func newOutbox(topic *pubsub.Topic) (*outbox, error) {
	joins, err := topic.EventHandler()
	if err != nil {
		return nil, fmt.Errorf("watch who joins topic %s: %w", topic, err)
	}
	return &outbox{topic: topic, joins: joins}, nil
}

// publish sends a message in place of one that still waits.
func (o *outbox) publish(ctx context.Context, raw []byte) error {
	o.mu.Lock()
	o.waiting = raw
	o.mu.Unlock()
	return o.flush(ctx)
}

// flush sends what waits, if anybody listens.
func (o *outbox) flush(ctx context.Context) error {
	if len(o.topic.ListPeers()) == 0 {
		return nil
	}
	o.mu.Lock()
	raw := o.waiting
	o.waiting = nil
	o.mu.Unlock()
	if raw == nil {
		return nil
	}
	return o.topic.Publish(ctx, raw)
}

// run flushes when somebody joins, until ctx ends.
func (o *outbox) run(ctx context.Context, log *slog.Logger) {
	for {
		e, err := o.joins.NextPeerEvent(ctx)
		if err != nil {
			return // ctx has ended
		}
		if e.Type == pubsub.PeerJoin {
			if err := o.flush(ctx); err != nil {
				log.Debug("publish what waited", "topic", o.topic, "error", err)
			}
		}
	}
}
