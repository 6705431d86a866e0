package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// maxUnknown is how many look-ups in a row may not find the transaction before it is sent again: nodes
// take a moment to see each other's transactions. Sending again is safe, the epoch admits one batch.
const maxUnknown = 3

// Recover brings the batch in flight, if any, one step nearer to settled, from whatever state a crash, a reorg or
// an error has left: it looks on the chain first and sends only what is not there. It returns whether a
// batch is still in flight. Run calls it on every round; call it yourself only when Run is not running.
func (s *Settler) Recover(ctx context.Context) (inFlight bool, err error) {
	open := s.ledger.OpenBatch()
	if open == nil {
		return false, nil
	}
	a, err := s.anchor(ctx, open)
	if err != nil {
		return true, err
	}
	s.observe(func(o *observed) { o.depth = a.Depth })
	switch {
	case a.Root == (common.Hash{}):
		return true, s.push(ctx, open)
	case a.Depth < s.cfg.Confirmations:
		return true, nil // a reorg may still take it out, and the batch is sent again then
	}
	if err := s.ledger.markSettled(ctx, open.Batch.Epoch, a.Tx, s.chain.Origin()); err != nil {
		return true, err
	}
	s.unknown, s.reverts = 0, 0
	s.observe(func(o *observed) { o.depth, o.sent = 0, 0 })
	s.cfg.Logger.Info("batch settled", "epoch", open.Batch.Epoch, "receipts", open.Batch.ReceiptCount,
		"lanes", len(open.Batch.Lanes), "root", open.Batch.ReceiptsRoot, "tx", a.Tx, "block", a.Block)
	return false, nil
}

// anchor returns where the chain holds the batch, if it does. ErrEpochConflict when it holds another one there.
func (s *Settler) anchor(ctx context.Context, b *SealedBatch) (Anchor, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	a, err := s.chain.BatchAnchor(ctx, b.Batch.Payer, b.Batch.Epoch)
	if err != nil {
		return Anchor{}, fmt.Errorf("look up batch %d: %w", b.Batch.Epoch, err)
	}
	if a.Root != (common.Hash{}) && (a.Root != b.Batch.ReceiptsRoot || a.Count != b.Batch.ReceiptCount) {
		return Anchor{}, fmt.Errorf("%w: epoch %d has root %s, ours is %s; does another gateway use this key?",
			ErrEpochConflict, b.Batch.Epoch, a.Root, b.Batch.ReceiptsRoot)
	}
	return a, nil
}

// nextEpoch asks for the epoch that the chain wants next, and makes sure that it still holds every batch that this
// ledger has settled.
func (s *Settler) nextEpoch(ctx context.Context) (uint64, error) {
	callCtx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	next, err := s.chain.NextEpoch(callCtx, s.ledger.self)
	if err != nil {
		return 0, fmt.Errorf("ask for the next epoch: %w", err)
	}
	if settled := s.ledger.batchState().settled; next <= settled {
		return 0, s.bringBack(ctx, next, settled)
	}
	s.asked = time.Now() // not before: what is lost is looked after until it is back
	return next, nil
}

// checkSettled asks once in MaxAge whether the chain still holds what is settled, also when there is nothing to do.
func (s *Settler) checkSettled(ctx context.Context) error {
	if s.ledger.batchState().settled == 0 || time.Since(s.asked) < s.cfg.MaxAge {
		return nil
	}
	_, err := s.nextEpoch(ctx)
	return err
}

// push sends a batch that the chain does not hold, unless its transaction is still on the way.
func (s *Settler) push(ctx context.Context, open *SealedBatch) error {
	if open.State == StateSubmitted {
		onTheWay, err := s.onTheWay(ctx, open.Tx)
		if err != nil || onTheWay {
			return err
		}
	}
	next, err := s.nextEpoch(ctx)
	if err != nil {
		return err
	}
	if next != open.Batch.Epoch {
		// It was mined since the look-up above, or another batch was: the next rounds tell.
		if s.unknown++; s.unknown <= maxUnknown {
			return nil
		}
		return fmt.Errorf("%w: the chain wants epoch %d, ours is %d and not found there; does another gateway use this key?",
			ErrEpochConflict, next, open.Batch.Epoch)
	}
	// A crash between the two calls below leaves the batch sealed and sent: the next round finds its root
	// on chain, or sends it once more, of which the contract admits one.
	tx, err := s.send(ctx, open.Batch)
	if err != nil || tx == (common.Hash{}) {
		return err
	}
	return s.ledger.markSubmitted(ctx, open.Batch.Epoch, tx)
}

// send signs and submits a batch. The zero hash when the chain holds it already: the next round sees its root.
func (s *Settler) send(ctx context.Context, b Batch) (common.Hash, error) {
	sig, err := Sign(s.ledger.key, b.Digest(s.ledger.domain))
	if err != nil {
		return common.Hash{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CallTimeout)
	defer cancel()
	tx, err := s.chain.SubmitBatch(ctx, b, sig)
	if errors.Is(err, ErrAlreadySettled) {
		return common.Hash{}, nil
	}
	if err != nil {
		return common.Hash{}, fmt.Errorf("submit batch %d: %w", b.Epoch, err)
	}
	s.unknown = 0
	s.observe(func(o *observed) { o.sent++ })
	return tx, nil
}

// lostBatch is a settled batch that was sent once more because a reorg took it out.
type lostBatch struct {
	epoch uint64
	tx    common.Hash
}

// bringBack deals with a chain that wants an epoch that this ledger has settled. Where the batch before it is still
// in place, or the chain is the very one that had them all, a reorg deeper than Confirmations took the batch out: it is sent again,
// once, as it was, and pays what the chain has forgotten to pay. Otherwise it is another chain: nothing is sent.
// It returns an error either way, because nothing else can be settled until the chain is back.
func (s *Settler) bringBack(ctx context.Context, next, settled uint64) error {
	same, err := s.isSame(ctx, next)
	if err != nil {
		return err
	}
	if !same {
		return fmt.Errorf("%w: it wants batch %d next and this ledger has settled %d; nothing was sent and nothing is lost: "+
			"a chain node that lags behind catches up by itself; otherwise point this node at the chain that holds those batches, or start with a new data directory",
			ErrChainReset, next, settled)
	}
	lost, err := s.ledger.Batch(next)
	if err != nil {
		return err
	}
	tx := lost.Tx // nodes keep what a reorg took out, and mine it again
	if s.resent.epoch == next {
		tx = s.resent.tx
	}
	onTheWay, err := s.onTheWay(ctx, tx)
	if err != nil {
		return err
	}
	if !onTheWay {
		if tx, err = s.send(ctx, lost.Batch); err != nil {
			return err
		}
		s.resent = lostBatch{next, tx}
	}
	return fmt.Errorf("%w: a reorg took out batch %d, which was settled; transaction %s brings it back", errReorged, next, tx)
}

// errReorged is told while a settled batch is on its way back into the chain.
var errReorged = errors.New("the chain was reorganised")

// isSame says whether the chain, which wants that batch next, is the one on which this ledger settled it.
func (s *Settler) isSame(ctx context.Context, next uint64) (bool, error) {
	if next > 1 {
		return s.holdsBatch(ctx, next-1)
	}
	origin, err := s.ledger.settledOn() // there is no batch to go by
	return origin != (common.Hash{}) && origin == s.chain.Origin(), err
}

// holdsBatch says whether the chain holds this ledger's batch of that epoch. False for an epoch that the ledger does
// not know.
func (s *Settler) holdsBatch(ctx context.Context, epoch uint64) (bool, error) {
	b, err := s.ledger.Batch(epoch)
	if errors.Is(err, ErrUnknownReceipt) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	a, err := s.anchor(ctx, b)
	if errors.Is(err, ErrEpochConflict) {
		return false, nil
	}
	return a.Root != (common.Hash{}), err
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
