package ethchain

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"flotilla/settlement"
)

// gasMarginPercent is added to the node's estimate: between estimate and block, a slot that was zero may
// be set or cleared by another's transaction.
const gasMarginPercent = 25

// strangeLooks is how many looks in a row must find the nonce used up and no receipt: at the default pace two seconds, in
// which the nodes behind one URL have come to agree.
const strangeLooks = 40

// Sender sends transactions of one account: it picks nonce, gas and fee, keeps what it has sent in the air, and waits
// for the block. It is safe for concurrent use.
type Sender struct {
	client     *ethclient.Client
	key        *ecdsa.PrivateKey
	from       common.Address
	signer     types.Signer
	maxFee     *big.Int
	raiseAfter time.Duration
	poll       time.Duration
	logger     *slog.Logger
	guard      func(context.Context) error // refuses to send to another chain than the one that was opened

	turn    chan struct{} // capacity 1; held from reading the nonce to handing the transaction to the node; guards what follows
	flights []*flight     // by ascending nonce
	used    uint64        // nonces used up when last looked at …
	usedAt  time.Time     // … and since when: what waits its turn is not late
}

// NewSender returns the Sender of cfg.Key on cfg.Client, for contracts other than the settlement
// contract. Contract and RPC are not looked at.
func NewSender(cfg Config) (*Sender, error) {
	if cfg.Client == nil || cfg.Key == nil || cfg.ChainID == 0 {
		return nil, errors.New("new sender: Client, Key and ChainID are needed")
	}
	return newSender(cfg.Client, cfg.withDefaults(), func(context.Context) error { return nil }), nil
}

func newSender(client *ethclient.Client, cfg Config, guard func(context.Context) error) *Sender {
	return &Sender{
		client: client, key: cfg.Key, from: AddressOf(cfg.Key),
		signer: types.LatestSignerForChainID(new(big.Int).SetUint64(cfg.ChainID)),
		maxFee: cfg.MaxFeePerGas, raiseAfter: cfg.RaiseAfter, poll: cfg.PollEvery, logger: cfg.Logger, guard: guard,
		turn: make(chan struct{}, 1),
	}
}

// Account returns the address that pays.
func (s *Sender) Account() common.Address { return s.from }

// take waits for the turn: a step may take as long as stepTimeout, and whoever waits may have less.
func (s *Sender) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for the account's turn: %w", err)
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the account's turn: %w", ctx.Err())
	}
}

func (s *Sender) leave() { <-s.turn }

// Send signs a call of to with data (a deployment when to is nil) and gives it to the node. It returns
// as soon as the node has it. A call that would revert is not sent and returns a *RevertError.
func (s *Sender) Send(ctx context.Context, to *common.Address, data []byte) (*types.Transaction, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	used, _, err := s.nonces(ctx)
	if err != nil {
		return nil, err
	}
	return s.send(ctx, used, to, data, false)
}

// send does the work of Send. What the node has lost goes first, so that no nonce is given to two calls. With once it
// sends nothing, and returns no transaction, when a pending one turns out to be unknown. The caller holds turn.
func (s *Sender) send(ctx context.Context, used uint64, to *common.Address, data []byte, once bool) (*types.Transaction, error) {
	open := s.open(used)
	if len(open) >= maxFlights {
		return nil, fmt.Errorf("%w: %d of them", ErrPending, len(open))
	}
	if len(open) > 0 {
		if err := s.keepUp(ctx, used, open[len(open)-1].nonce); err != nil {
			return nil, err
		}
	}
	gas, err := s.client.EstimateGas(ctx, ethereum.CallMsg{From: s.from, To: to, Data: data})
	if err != nil {
		return nil, fmt.Errorf("estimate gas: %w", decodeRevert(err))
	}
	tip, feeCap, err := s.fees(ctx)
	if err != nil {
		return nil, err
	}
	used, nonce, err := s.nonces(ctx)
	if err != nil {
		return nil, err
	}
	if once && s.unknown(used, nonce) { // nodes count a transaction a moment after they took it
		return nil, nil
	}
	for _, f := range s.open(used) { // as said above
		if f.nonce == nonce && !f.refused {
			nonce++
		}
	}
	tx, err := s.sign(&types.DynamicFeeTx{
		Nonce: nonce, GasTipCap: tip, GasFeeCap: feeCap, Gas: gas + gas*gasMarginPercent/100, To: to, Data: data,
	})
	if err != nil {
		return nil, err
	}
	if err := s.give(ctx, tx); err != nil { // not remembered: who is told of an error may well send something else
		return nil, err
	}
	s.remember(tx)
	return tx, nil
}

func (s *Sender) sign(tx *types.DynamicFeeTx) (*types.Transaction, error) {
	tx.ChainID = s.signer.ChainID()
	signed, err := types.SignNewTx(s.key, s.signer, tx)
	if err != nil {
		return nil, fmt.Errorf("sign transaction: %w", err)
	}
	return signed, nil
}

// sendOnce is Send for a call that must not be on its way twice. Where a pending transaction makes the call already, be
// it of a former process, that one is kept in the air and returned. While a pending transaction of this account
// is not known it waits, as that may be the very one: ErrPending when it takes longer than the caller has.
func (s *Sender) sendOnce(ctx context.Context, to *common.Address, data []byte) (*types.Transaction, error) {
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for waited := false; ; waited = true {
		tx, err := s.trySendOnce(ctx, to, data)
		switch {
		case tx != nil:
			return tx, nil
		case waited && ctx.Err() != nil:
			return nil, fmt.Errorf("%w: %w", ErrPending, ctx.Err())
		case err != nil:
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// trySendOnce returns neither transaction nor error while it must wait.
func (s *Sender) trySendOnce(ctx context.Context, to *common.Address, data []byte) (*types.Transaction, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	used, next, err := s.nonces(ctx)
	if err != nil {
		return nil, err
	}
	if s.unknown(used, next) {
		s.adoptPending(ctx, used)
	}
	for _, f := range s.open(used) {
		if f.carries(to, data) {
			if err := s.keepUp(ctx, used, f.nonce); err != nil {
				return nil, err
			}
			return f.newest(), nil // may be a dearer one now
		}
	}
	if s.unknown(used, next) {
		return nil, nil
	}
	return s.send(ctx, used, to, data, true)
}

// unknown says whether the node has a pending transaction of this account that is no flight. The caller holds turn.
func (s *Sender) unknown(used, next uint64) bool {
	pending := slices.DeleteFunc(s.open(used), func(f *flight) bool { return f.nonce >= next })
	return uint64(len(pending)) < next-used
}

// fees returns the tip and the most to pay for a unit of gas, in wei: twice the base fee, so that six
// full blocks in a row do not price the transaction out, and never above the ceiling.
func (s *Sender) fees(ctx context.Context) (tip, feeCap *big.Int, err error) {
	head, err := s.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("read newest block: %w", err)
	}
	if head.BaseFee == nil {
		return nil, nil, errors.New("read base fee: the chain has none; EIP-1559 is needed")
	}
	if head.BaseFee.Cmp(s.maxFee) > 0 {
		return nil, nil, fmt.Errorf("%w: base fee %s wei, ceiling %s wei", ErrFeeTooHigh, head.BaseFee, s.maxFee)
	}
	tip, err = s.client.SuggestGasTipCap(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("ask for a tip: %w", err)
	}
	tip = larger(tip, big.NewInt(1)) // nodes take none of 0, and an eighth more than 0 would be no replacement
	feeCap = new(big.Int).Lsh(head.BaseFee, 1)
	feeCap.Add(feeCap, tip)
	if feeCap.Cmp(s.maxFee) > 0 {
		feeCap.Set(s.maxFee)
	}
	if tip.Cmp(feeCap) > 0 {
		tip.Set(feeCap)
	}
	return tip, feeCap, nil
}

// Do sends and waits. A transaction that got into a block and reverted there returns its *RevertError.
func (s *Sender) Do(ctx context.Context, to *common.Address, data []byte) (*types.Receipt, error) {
	tx, err := s.Send(ctx, to, data)
	if err != nil {
		return nil, err
	}
	return s.Wait(ctx, tx)
}

// doOnce is Do for a call that must not be on its way twice (see sendOnce).
func (s *Sender) doOnce(ctx context.Context, to *common.Address, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, mineTimeout)
	defer cancel()
	tx, err := s.sendOnce(ctx, to, data)
	if err != nil {
		return err
	}
	_, err = s.Wait(ctx, tx)
	return err
}

// Wait polls until tx, or a dearer one that replaced it, is in a block, and keeps it in the air until then (see tend).
// ErrPending when that takes longer than the caller has, with ErrFeeTooHigh when the ceiling is why.
func (s *Sender) Wait(ctx context.Context, tx *types.Transaction) (*types.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, mineTimeout)
	defer cancel()
	f, err := s.adopt(ctx, tx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("wait for transaction %s: %w: %w", tx.Hash(), ErrPending, err)
	case f == nil:
		return nil, fmt.Errorf("wait for transaction %s: it is not of account %s", tx.Hash(), s.from)
	}
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for strange := 0; ; {
		receipt, err := s.tend(ctx, f)
		if !errors.Is(err, ErrReplaced) {
			strange = 0
		}
		switch {
		case err == nil && receipt == nil:
		case err == nil && receipt.Status == types.ReceiptStatusSuccessful:
			return receipt, nil
		case err == nil:
			return receipt, fmt.Errorf("transaction %s: %w", receipt.TxHash, s.reason(ctx, tx, receipt))
		case errors.Is(err, settlement.ErrChainReset):
			return nil, err
		case errors.Is(err, ErrReplaced):
			if strange++; strange == strangeLooks {
				return nil, err
			}
		case ctx.Err() == nil:
			s.logger.Debug("node did not answer; asking again", "tx", tx.Hash(), "err", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for transaction %s: %w: %w", tx.Hash(), s.late(f), ctx.Err())
		case <-tick.C:
		}
	}
}

// late says why a flight is still pending.
func (s *Sender) late(f *flight) error {
	if f.capped.Load() {
		return fmt.Errorf("%w: %w", ErrPending, ErrFeeTooHigh)
	}
	return ErrPending
}

// reason runs a reverted transaction again on the block before it, to learn why it reverted.
func (s *Sender) reason(ctx context.Context, tx *types.Transaction, receipt *types.Receipt) error {
	before := new(big.Int).Sub(receipt.BlockNumber, big.NewInt(1))
	_, err := s.client.CallContract(ctx, ethereum.CallMsg{From: s.from, To: tx.To(), Gas: tx.Gas(), Data: tx.Data()}, before)
	if err == nil {
		return fmt.Errorf("%w by the state of its own block %s", ErrReverted, receipt.BlockNumber)
	}
	return decodeRevert(err)
}
