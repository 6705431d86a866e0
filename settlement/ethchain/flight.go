package ethchain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// maxFlights is how many nonces are remembered, mined ones included: a reorganisation may take them out again.
// It also bounds what is pending at once; nodes commonly keep 16 to 64 of one account.
const maxFlights = 64

// flight is one nonce of the account: the transaction that took it and the dearer ones that were to replace it. At
// most one of them takes effect. Its fields but capped belong to who holds Sender.turn.
type flight struct {
	nonce    uint64
	versions []*types.Transaction // newest and dearest last; the ceiling bounds them
	sent     time.Time            // when the newest was sent, or would have been but for the ceiling
	capped   atomic.Bool          // the ceiling keeps it from being raised; told once
	refused  bool                 // the node lost it and does not take it again: its nonce is free
}

func newFlight(tx *types.Transaction) *flight {
	return &flight{nonce: tx.Nonce(), versions: []*types.Transaction{tx}, sent: time.Now()}
}

func (f *flight) newest() *types.Transaction { return f.versions[len(f.versions)-1] }

// carries says whether the flight makes this very call.
func (f *flight) carries(to *common.Address, data []byte) bool {
	tx := f.newest()
	return tx.To() != nil && to != nil && *tx.To() == *to && slices.Equal(tx.Data(), data)
}

// flightOf returns the flight that has this transaction as a version, or nil.
func (s *Sender) flightOf(ctx context.Context, tx common.Hash) (*flight, error) {
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.find(tx), nil
}

func (s *Sender) find(tx common.Hash) *flight {
	for _, f := range s.flights {
		if slices.ContainsFunc(f.versions, func(v *types.Transaction) bool { return v.Hash() == tx }) {
			return f
		}
	}
	return nil
}

// adopt makes a flight of a transaction that this Sender did not send: by hand, or in a former process. Nil
// when it is not this account's.
func (s *Sender) adopt(ctx context.Context, tx *types.Transaction) (*flight, error) {
	if from, err := types.Sender(s.signer, tx); err != nil || from != s.from {
		return nil, nil
	}
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if f := s.find(tx.Hash()); f != nil {
		return f, nil
	}
	return s.remember(tx), nil
}

// remember takes tx as the one of its nonce; the oldest flight makes room. The caller holds turn.
func (s *Sender) remember(tx *types.Transaction) *flight {
	f := newFlight(tx)
	at, found := slices.BinarySearchFunc(s.flights, f.nonce, func(g *flight, n uint64) int { return cmp.Compare(g.nonce, n) })
	if found { // the node knows nothing of what it held before
		s.flights[at] = f
		return f
	}
	s.flights = slices.Insert(s.flights, at, f)
	if len(s.flights) > maxFlights {
		s.flights = slices.Delete(s.flights, 0, 1)
	}
	return f
}

// open returns the flights whose nonce is not used up, in order. The caller holds turn.
func (s *Sender) open(used uint64) []*flight {
	return slices.DeleteFunc(slices.Clone(s.flights), func(f *flight) bool { return f.nonce < used })
}

// adoptPending looks for transactions of this account that wait in the node's pool and were sent by a former
// process. Nodes need not tell (txpool_contentFrom): then they stay unknown. The caller holds turn.
func (s *Sender) adoptPending(ctx context.Context, used uint64) {
	var pool struct {
		Pending, Queued map[string]*types.Transaction // by nonce
	}
	if err := s.client.Client().CallContext(ctx, &pool, "txpool_contentFrom", s.from); err != nil {
		s.logger.Debug("node does not tell what is pending", "account", s.from, "err", err)
		return
	}
	for _, txs := range []map[string]*types.Transaction{pool.Pending, pool.Queued} {
		for _, tx := range txs {
			if tx == nil {
				continue
			}
			known := slices.ContainsFunc(s.flights, func(f *flight) bool { return f.nonce == tx.Nonce() })
			if from, err := types.Sender(s.signer, tx); known || err != nil || from != s.from || len(s.open(used)) >= maxFlights {
				continue
			}
			s.logger.Info("found a pending transaction of this account", "tx", tx.Hash(), "nonce", tx.Nonce())
			s.remember(tx)
		}
	}
}

// nonces returns how many nonces of the account are used up, and the next one that the node would take, after making
// sure that the node is on the right chain.
func (s *Sender) nonces(ctx context.Context) (used, next uint64, err error) {
	if err := s.guard(ctx); err != nil {
		return 0, 0, err
	}
	if used, err = s.client.NonceAt(ctx, s.from, nil); err == nil {
		next, err = s.client.PendingNonceAt(ctx, s.from)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("ask for the nonce of %s: %w", s.from, err)
	}
	return used, max(used, next), nil
}
