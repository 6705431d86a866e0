package settlement

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// SettlerConfig says when a batch is due and how patient the settler is. Zero fields take the default.
type SettlerConfig struct {
	MaxReceipts int           // a batch is due at this many pending receipts; default 1000, at most MaxBatchReceipts
	MaxAge      time.Duration // … or when the oldest has waited so long; default 1 min
	Poll        time.Duration // how often a batch in flight is looked up; default 500 ms
	CallTimeout time.Duration // deadline of every chain call; default 15 s
	RetryWait   time.Duration // first pause after an error, doubled up to 30 s; default 500 ms
	Logger      *slog.Logger  // slog.DiscardHandler when nil
}

func (c SettlerConfig) withDefaults() SettlerConfig {
	if c.MaxReceipts <= 0 || c.MaxReceipts > MaxBatchReceipts {
		c.MaxReceipts = 1000
	}
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&c.MaxAge, time.Minute}, {&c.Poll, 500 * time.Millisecond}, {&c.CallTimeout, 15 * time.Second}, {&c.RetryWait, 500 * time.Millisecond},
	} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Settler takes a gateway's accepted receipts to the chain, one batch at a time, each exactly once. It
// keeps nothing in memory that matters: every step starts from the ledger and the chain, so starting
// after a crash is the same code as going on.
type Settler struct {
	ledger *Ledger
	chain  Chain
	cfg    SettlerConfig

	turn chan struct{} // capacity 1: held by whoever is driving a batch, Run or SettleNow

	// The fields below pace repeated sending. They belong to whoever has turn; a restart may forget them.
	unknown  int         // look-ups in a row that did not find the batch's transaction
	reverted common.Hash // transaction that was last seen reverted
	reverts  int         // reverted transactions of the batch in flight
	resendAt time.Time   // not sent again before
}

// maxUnknown is how many look-ups in a row may not find the transaction before it is sent again: nodes
// take a moment to see each other's transactions. Sending again is safe, the epoch admits one batch.
const maxUnknown = 3

// NewSettler returns a settler for the ledger's owner.
func NewSettler(l *Ledger, c Chain, cfg SettlerConfig) *Settler {
	return &Settler{ledger: l, chain: c, cfg: cfg.withDefaults(), turn: make(chan struct{}, 1)}
}

// Run settles until ctx ends: it finishes a batch in flight and seals a new one when enough receipts
// have gathered or the oldest is old enough. Errors are logged and retried, because the only cure of a
// lost chain is to wait. It returns nil when ctx ends.
func (s *Settler) Run(ctx context.Context) error {
	wait := s.cfg.RetryWait
	for {
		pause, wake, err := s.cycle(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.cfg.Logger.Warn("settle receipts", "error", err, "retry_in", wait)
			pause, wake = wait, nil
			wait = min(2*wait, maxRetryWait)
		} else {
			wait = s.cfg.RetryWait
		}
		if !sleep(ctx, pause, wake) {
			return nil
		}
	}
}

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
		return s.cfg.Poll, nil, err
	}
	pause, due := s.due(time.Now())
	if !due {
		return pause, s.ledger.wake, nil
	}
	if _, err := s.seal(ctx); err != nil {
		return 0, nil, err
	}
	_, err = s.Recover(ctx)
	return s.cfg.Poll, nil, err
}

// due says whether to seal now, and otherwise when to look again.
func (s *Settler) due(now time.Time) (time.Duration, bool) {
	b := s.ledger.Backlog()
	if b.Receipts == 0 {
		return s.cfg.MaxAge, false
	}
	left := s.cfg.MaxAge - now.Sub(b.Oldest)
	return left, left <= 0 || b.Receipts >= s.cfg.MaxReceipts
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

// SettleNow settles everything that is pending when it is called, without waiting for a batch to be due,
// and returns when the chain holds it. It works with or without Run. It gives up at the first error, or
// when ctx ends; what is in flight then is finished by Run or the next call.
func (s *Settler) SettleNow(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	left := s.ledger.Backlog().Receipts // counts those in the batch in flight too
	for {
		open, err := s.ledger.OpenBatch()
		if err != nil {
			return err
		}
		if open == nil {
			if left <= 0 {
				return nil
			}
			if open, err = s.seal(ctx); err != nil || open == nil {
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

// seal fixes what is pending under the epoch that the chain expects next.
func (s *Settler) seal(ctx context.Context) (*SealedBatch, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	epoch, err := s.chain.NextEpoch(ctx, s.ledger.Owner())
	if err != nil {
		return nil, fmt.Errorf("ask for the next epoch: %w", err)
	}
	return s.ledger.Seal(ctx, epoch)
}

// Recover brings the batch in flight, if any, one step nearer to settled, from whatever state a crash or
// an error has left: it looks on the chain first and sends only what is not there. It returns whether a
// batch is still in flight. Run calls it on every round; call it yourself only when Run is not running.
func (s *Settler) Recover(ctx context.Context) (inFlight bool, err error) {
	open, err := s.ledger.OpenBatch()
	if err != nil || open == nil {
		return false, err
	}
	anchored, err := s.anchored(ctx, open)
	if err != nil {
		return true, err
	}
	if !anchored {
		return true, s.push(ctx, open)
	}
	if err := s.ledger.MarkSettled(ctx, open.Batch.Epoch); err != nil {
		return true, err
	}
	s.unknown, s.reverts = 0, 0
	s.cfg.Logger.Info("batch settled", "epoch", open.Batch.Epoch, "receipts", open.Batch.ReceiptCount,
		"lanes", len(open.Batch.Lanes), "root", open.Batch.ReceiptsRoot, "tx", open.Tx)
	return false, nil
}

// anchored says whether the chain holds the batch. ErrEpochConflict when it holds another one there.
func (s *Settler) anchored(ctx context.Context, open *SealedBatch) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	a, err := s.chain.BatchAnchor(ctx, open.Batch.Payer, open.Batch.Epoch)
	switch {
	case err != nil:
		return false, fmt.Errorf("look up batch %d: %w", open.Batch.Epoch, err)
	case a.Root == (common.Hash{}):
		return false, nil
	case a.Root != open.Batch.ReceiptsRoot || a.Count != open.Batch.ReceiptCount:
		return false, fmt.Errorf("%w: epoch %d has root %s, ours is %s; does another gateway use this key?",
			ErrEpochConflict, open.Batch.Epoch, a.Root, open.Batch.ReceiptsRoot)
	}
	return true, nil
}

// push sends a batch that the chain does not hold, unless its transaction is still on the way.
func (s *Settler) push(ctx context.Context, open *SealedBatch) error {
	if open.State == StateSubmitted {
		onTheWay, err := s.onTheWay(ctx, open.Tx)
		if err != nil || onTheWay {
			return err
		}
	}
	sig, err := Sign(s.ledger.key, open.Batch.Digest(s.ledger.domain))
	if err != nil {
		return err
	}
	callCtx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	// A crash between the two calls below leaves the batch sealed and sent: the next round finds its root
	// on chain, or sends it once more, of which the contract admits one.
	tx, err := s.chain.SubmitBatch(callCtx, open.Batch, sig)
	if errors.Is(err, ErrAlreadySettled) {
		return nil // the next round sees the root
	}
	if err != nil {
		return fmt.Errorf("submit batch %d: %w", open.Batch.Epoch, err)
	}
	s.unknown = 0
	return s.ledger.MarkSubmitted(ctx, open.Batch.Epoch, tx)
}

// onTheWay says whether to keep waiting for the transaction rather than to send the batch again.
func (s *Settler) onTheWay(ctx context.Context, tx common.Hash) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	state, err := s.chain.TxStatus(ctx, tx)
	if err != nil {
		return false, fmt.Errorf("look up transaction %s: %w", tx, err)
	}
	switch state {
	case TxPending:
		s.unknown = 0
		return true, nil
	case TxReverted:
		return s.pauseAfterRevert(tx), nil
	default:
		// Mined: the root was read a moment too early, or from a node that lags. Unknown: dropped, or not
		// seen yet. Both get a few rounds.
		s.unknown++
		return s.unknown < maxUnknown, nil
	}
}

// pauseAfterRevert says whether to wait before the batch is sent again. Every attempt costs gas, so the
// pause doubles with each.
func (s *Settler) pauseAfterRevert(tx common.Hash) bool {
	if s.reverted != tx {
		pause := min(s.cfg.RetryWait<<min(s.reverts, 16), maxRetryWait)
		s.reverted, s.reverts, s.resendAt = tx, s.reverts+1, time.Now().Add(pause)
		s.cfg.Logger.Warn("settlement transaction reverted", "tx", tx, "attempts", s.reverts, "retry_in", pause)
	}
	return time.Now().Before(s.resendAt)
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
