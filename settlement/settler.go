package settlement

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/trouble"
)

// SettlerConfig says when a batch is due and how patient the settler is. Zero fields take the default.
//
// Lanes are weighed when MaxReceipts have gathered or the oldest receipt is MaxAge old. A batch takes those whose
// new receipts are worth MinGain times the gas of a lane, or have waited MaxWait. Where gas costs nothing it
// takes all.
type SettlerConfig struct {
	MaxReceipts   int           // default 1000, at most MaxBatchReceipts
	MaxAge        time.Duration // default 1 min
	MinGain       uint64        // default 100
	MaxWait       time.Duration // default 24 h
	Confirmations uint64        // blocks, its own included, after which a batch counts as settled; default 1
	Poll          time.Duration // first pause between look-ups of a batch in flight, doubled up to 16 times it; default 500 ms
	CallTimeout   time.Duration // deadline of every chain call, some of which are a dozen questions to a node; default 2 min
	RetryWait     time.Duration // first pause after an error, doubled up to 30 s; default 500 ms
	Logger        *slog.Logger  // slog.DiscardHandler when nil
}

func (c SettlerConfig) withDefaults() SettlerConfig {
	if c.MaxReceipts <= 0 {
		c.MaxReceipts = 1000
	}
	c.MaxReceipts = min(c.MaxReceipts, MaxBatchReceipts)
	if c.MinGain == 0 {
		c.MinGain = 100
	}
	c.Confirmations = max(c.Confirmations, 1)
	c.MaxAge = orDefault(c.MaxAge, time.Minute)
	c.MaxWait = orDefault(c.MaxWait, 24*time.Hour)
	c.Poll = orDefault(c.Poll, 500*time.Millisecond)
	c.CallTimeout = orDefault(c.CallTimeout, 2*time.Minute)
	c.RetryWait = orDefault(c.RetryWait, 500*time.Millisecond)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

// Settler takes a gateway's accepted receipts to the chain, one batch at a time, each exactly once. It
// keeps nothing in memory that matters: every step starts from the ledger and the chain, so starting
// after a crash is the same code as going on.
type Settler struct {
	ledger *Ledger
	chain  Chain
	cfg    SettlerConfig

	turn chan struct{} // capacity 1: held by whoever is driving a batch, Run or SettleNow

	// The fields below pace looking and sending. They belong to whoever has turn; a restart may forget them.
	rounds   int // look-ups of the batch in flight
	looked   look
	asked    time.Time   // when the chain last held all that is settled
	unknown  int         // look-ups in a row that did not find the batch's transaction
	reverted common.Hash // transaction that was last seen reverted
	reverts  int         // reverted transactions of the batch in flight
	resendAt time.Time   // not sent again before
	resent   lostBatch   // what was sent to bring a settled batch back

	waiting trouble.Trouble // of Run

	mu   sync.Mutex // guards seen
	seen observed
}

// NewSettler returns a settler for the ledger's owner.
func NewSettler(l *Ledger, c Chain, cfg SettlerConfig) *Settler {
	return &Settler{ledger: l, chain: c, cfg: cfg.withDefaults(), turn: make(chan struct{}, 1)}
}

// Run settles until ctx ends: it finishes a batch in flight and seals a new one when lanes are due. Errors are
// logged in few lines and retried, because the only cure of a lost chain is to wait. It returns nil when
// ctx ends.
func (s *Settler) Run(ctx context.Context) error {
	wait := s.cfg.RetryWait
	for {
		pause, wake, err := s.cycle(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.note(err)
		if err != nil {
			pause, wake = wait, nil
			most := maxRetryWait
			if errors.Is(err, errReorged) { // it goes on, batch by batch, each with some looks
				most = s.cfg.Poll << lostPollShift
			}
			wait = min(2*wait, most)
		} else {
			wait = s.cfg.RetryWait
		}
		if !sleep(ctx, pause, wake) {
			return nil
		}
	}
}

// maxPollShift bounds the pause between look-ups at 16 times Poll: a batch that waits for blocks is not worth more.
const maxPollShift = 4

// lostPollShift bounds the pause between looks for batches that a reorg took out: all that is new waits behind them.
const lostPollShift = 2

// maxRetryWait bounds the pause between attempts: a chain that is back is noticed within it.
const maxRetryWait = 30 * time.Second

// cycle drives what is in flight and seals when due. It returns how long to pause and what may end the
// pause early: new receipts can make a batch due, but do not hurry one that is in flight.
func (s *Settler) cycle(ctx context.Context) (pause time.Duration, wake <-chan struct{}, err error) {
	if err := s.take(ctx); err != nil {
		return 0, nil, err
	}
	defer s.release()
	inFlight, err := s.Recover(ctx)
	if err != nil || inFlight {
		s.rounds++
		return s.cfg.Poll << min(s.rounds, maxPollShift), nil, err
	}
	s.rounds = 0
	pause, due := s.cfg.due(s.ledger.Backlog(), s.looked, time.Now())
	if !due {
		return pause, s.ledger.wake, s.checkSettled(ctx)
	}
	sealed, err := s.sealRipe(ctx, time.Now())
	if err != nil {
		return 0, nil, err
	}
	if sealed == nil {
		return s.cfg.MaxAge, s.ledger.wake, nil // every lane waits until it is worth its gas, or for MaxWait
	}
	_, err = s.Recover(ctx)
	return s.cfg.Poll, nil, err
}

// sealRipe seals the lanes that are worth settling now; nil when there is none.
func (s *Settler) sealRipe(ctx context.Context, now time.Time) (*SealedBatch, error) {
	cost, err := s.laneCost(ctx)
	if err != nil {
		return nil, err
	}
	pending := s.ledger.Backlog().Receipts
	ripe, receipts := s.cfg.ripeLanes(s.ledger.laneBacklogs(), cost, now)
	if receipts == 0 {
		s.looked = look{at: now, left: pending}
		return nil, nil
	}
	sealed, err := s.seal(ctx, ripe)
	if err == nil && sealed != nil && len(sealed.Receipts) >= receipts { // else the rest is due at once
		s.looked = look{at: now, left: max(0, pending-len(sealed.Receipts))}
	}
	return sealed, err
}

func (s *Settler) laneCost(ctx context.Context) (Amount, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	cost, err := s.chain.LaneCost(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask what a lane costs: %w", err)
	}
	s.observe(func(o *observed) { o.laneCost = cost })
	return cost, nil
}

// sleep waits for d, wake or ctx. False when ctx ended.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-wake:
	}
	return true
}

// SettleNow settles everything that is pending when it is called, also what is not worth its gas, without waiting
// for a batch to be due, and returns when the chain holds it. It works with or without Run. It gives up at the
// first error, or when ctx ends; what is in flight then is finished by Run or the next call.
func (s *Settler) SettleNow(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	left := s.ledger.Backlog().Receipts // counts those in the batch in flight too
	for {
		open := s.ledger.OpenBatch()
		if open == nil {
			if left <= 0 {
				return nil
			}
			var err error
			if open, err = s.seal(ctx, nil); err != nil || open == nil {
				return err
			}
		}
		if err := s.finish(ctx); err != nil {
			return err
		}
		left -= len(open.Receipts)
	}
}

// finish drives the batch in flight until the chain holds it.
func (s *Settler) finish(ctx context.Context) error {
	for {
		inFlight, err := s.Recover(ctx)
		if err != nil || !inFlight {
			return err
		}
		if !sleep(ctx, s.cfg.Poll, nil) {
			return fmt.Errorf("wait for the batch to be mined: %w", context.Cause(ctx))
		}
	}
}

// seal fixes what is pending on lanes (nil: on all) under the epoch that the chain expects next.
func (s *Settler) seal(ctx context.Context, lanes []common.Address) (*SealedBatch, error) {
	next, err := s.nextEpoch(ctx)
	if err != nil {
		return nil, err
	}
	return s.ledger.Seal(ctx, next, lanes)
}

// take waits for the turn to drive batches.
func (s *Settler) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Settler) release() { <-s.turn }
