package ethchain

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
)

// A Sender has no goroutine: who asks what became of a transaction drives it. All state can be rebuilt from the node,
// so a crash at any point leaves a transaction that is pending, mined or gone, and the next look tells which.

// tend looks where a flight stands and keeps it in the air: what the node has lost is given to it again, what has been
// pending for too long is replaced by a dearer version. It returns the receipt of the version that is in a block, nil
// while none is, and ErrReplaced when a strange transaction has the nonce.
func (s *Sender) tend(ctx context.Context, f *flight) (*types.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	// The nonce is read from the newest block's state: a receipt that is seen after it belongs to a block whose effects
	// every later read shows. Receipts alone may be seen a moment before.
	used, err := s.client.NonceAt(ctx, s.from, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the nonce of %s: %w", s.from, err)
	}
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if used > f.nonce {
		return s.landed(ctx, f)
	}
	if !slices.Contains(s.flights, f) { // another call got its nonce after the node had refused it
		return nil, fmt.Errorf("transaction %s: %w", f.newest().Hash(), ErrReplaced)
	}
	return nil, s.keepUp(ctx, used, f.nonce)
}

// landed returns the receipt of the version that took effect.
func (s *Sender) landed(ctx context.Context, f *flight) (*types.Receipt, error) {
	for _, tx := range slices.Backward(f.versions) {
		receipt, err := s.client.TransactionReceipt(ctx, tx.Hash())
		if err == nil {
			return receipt, nil
		}
		if !errors.Is(err, ethereum.NotFound) {
			return nil, fmt.Errorf("look up transaction %s: %w", tx.Hash(), err)
		}
	}
	if err := s.guard(ctx); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("transaction %s: %w", f.newest().Hash(), ErrReplaced)
}

// keepUp gives the node again what it has lost of the nonces from used to last, as the later ones wait for the
// earlier, and raises the first of them when it is late, also where the node does not take it any more. The caller holds turn.
func (s *Sender) keepUp(ctx context.Context, used, last uint64) error {
	if used != s.used {
		s.used, s.usedAt = used, time.Now()
	}
	for i, f := range s.open(used) {
		if f.nonce > last {
			break
		}
		tx := f.newest()
		_, _, err := s.client.TransactionByHash(ctx, tx.Hash())
		switch {
		case errors.Is(err, ethereum.NotFound):
			err := s.give(ctx, tx)
			if err != nil && !errors.Is(err, errNotTaken) {
				return err
			}
			if f.refused = err != nil; !f.refused {
				continue
			}
			s.logger.Debug("node did not take the transaction again", "tx", tx.Hash(), "err", err)
			next, err := s.client.PendingNonceAt(ctx, s.from)
			if err != nil {
				return fmt.Errorf("ask for the nonce of %s: %w", s.from, err)
			}
			if next > f.nonce {
				continue // a stranger has the nonce, and is not outbid; else it was too cheap
			}
		case err != nil:
			return fmt.Errorf("look up transaction %s: %w", tx.Hash(), err)
		}
		if i == 0 && time.Since(f.sent) >= s.raiseAfter && time.Since(s.usedAt) >= s.raiseAfter {
			if err := s.raise(ctx, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// errNotTaken: the node has answered that it does not want a transaction. Any other error leaves open whether it has it.
var errNotTaken = errors.New("the node refused the transaction")

// give hands a signed transaction to the node, after making sure that it is on the right chain.
func (s *Sender) give(ctx context.Context, tx *types.Transaction) error {
	if err := s.guard(ctx); err != nil {
		return err
	}
	err := s.client.SendTransaction(ctx, tx)
	var answer rpc.Error
	if errors.As(err, &answer) {
		if _, _, err := s.client.TransactionByHash(ctx, tx.Hash()); err == nil {
			return nil // it has it already
		}
		if strings.Contains(answer.Error(), "insufficient funds") { // of all clients; a code for it there is none
			return fmt.Errorf("%w: account %s has too few of the chain's own coins to pay for gas: send it some: %w", errNotTaken, s.from, err)
		}
		return fmt.Errorf("%w: %w", errNotTaken, err)
	}
	if err != nil {
		return fmt.Errorf("send transaction: %w", err)
	}
	return nil
}

// raise replaces the newest version by one that pays an eighth more, or today's price where that is higher: nodes take
// no replacement for less than a tenth more. The ceiling is never passed; that it is reached is told once. The caller
// holds turn.
func (s *Sender) raise(ctx context.Context, f *flight) error {
	old := f.newest()
	tip, feeCap, err := s.fees(ctx)
	if err == nil {
		tip, feeCap = larger(tip, eighthMore(old.GasTipCap())), larger(feeCap, eighthMore(old.GasFeeCap()))
		if feeCap.Cmp(s.maxFee) > 0 {
			err = fmt.Errorf("%w: %s wei needed to replace the transaction, ceiling %s wei", ErrFeeTooHigh, feeCap, s.maxFee)
		}
	}
	if errors.Is(err, ErrFeeTooHigh) {
		if !f.capped.Swap(true) {
			s.logger.Warn("transaction stays pending: raise the fee ceiling or wait", "tx", old.Hash(), "err", err)
		}
		f.sent = time.Now()
		return nil
	}
	if err != nil {
		return err
	}
	tx, err := s.sign(&types.DynamicFeeTx{
		Nonce: f.nonce, GasTipCap: tip, GasFeeCap: feeCap, Gas: old.Gas(), To: old.To(), Value: old.Value(), Data: old.Data(),
	})
	if err != nil {
		return err
	}
	// Remembered first: should the answer be lost, the node may have it, and it must not be taken for a stranger.
	f.versions, f.sent = append(f.versions, tx), time.Now()
	err = s.give(ctx, tx)
	if errors.Is(err, errNotTaken) { // as when the old one was mined at this moment
		f.versions = f.versions[:len(f.versions)-1]
		s.logger.Debug("node did not take the dearer transaction", "tx", old.Hash(), "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	f.refused = false
	s.logger.Info("raised the fee of a pending transaction", "was", old.Hash(), "tx", tx.Hash(), "fee_cap_wei", feeCap)
	return nil
}

// eighthMore returns 12.5 % more than v, rounded up.
func eighthMore(v *big.Int) *big.Int {
	more := new(big.Int).Add(v, big.NewInt(7))
	return more.Rsh(more, 3).Add(more, v)
}

func larger(a, b *big.Int) *big.Int {
	if a.Cmp(b) >= 0 {
		return a
	}
	return b
}
