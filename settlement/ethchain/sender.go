package ethchain

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
)

// gasMarginPercent is added to the node's estimate: between estimate and block, a slot that was zero may
// be set or cleared by another's transaction.
const gasMarginPercent = 25

// Sender sends transactions of one account: it picks nonce, gas and fee, and waits for the block. It is
// safe for concurrent use.
type Sender struct {
	client *ethclient.Client
	key    *ecdsa.PrivateKey
	from   common.Address
	signer types.Signer
	maxFee *big.Int
	poll   time.Duration
	logger *slog.Logger

	mu sync.Mutex // from reading the nonce to handing the transaction to the node
}

// NewSender returns the Sender of cfg.Key on cfg.Client, for contracts other than the settlement
// contract. Contract and RPC are not looked at.
func NewSender(cfg Config) (*Sender, error) {
	if cfg.Client == nil || cfg.Key == nil || cfg.ChainID == 0 {
		return nil, errors.New("new sender: Client, Key and ChainID are needed")
	}
	return newSender(cfg.Client, cfg.withDefaults()), nil
}

func newSender(client *ethclient.Client, cfg Config) *Sender {
	return &Sender{
		client: client, key: cfg.Key, from: AddressOf(cfg.Key),
		signer: types.LatestSignerForChainID(new(big.Int).SetUint64(cfg.ChainID)),
		maxFee: cfg.MaxFeePerGas, poll: cfg.PollEvery, logger: cfg.Logger,
	}
}

// Account returns the address that pays.
func (s *Sender) Account() common.Address { return s.from }

// Send signs a call of to with data (a deployment when to is nil) and gives it to the node. It returns
// as soon as the node has it. A call that would revert is not sent and returns a *RevertError.
func (s *Sender) Send(ctx context.Context, to *common.Address, data []byte) (*types.Transaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	gas, err := s.client.EstimateGas(ctx, ethereum.CallMsg{From: s.from, To: to, Data: data})
	if err != nil {
		return nil, fmt.Errorf("estimate gas: %w", decodeRevert(err))
	}
	tip, feeCap, err := s.fees(ctx)
	if err != nil {
		return nil, err
	}
	nonce, err := s.client.PendingNonceAt(ctx, s.from)
	if err != nil {
		return nil, fmt.Errorf("ask for the nonce of %s: %w", s.from, err)
	}
	tx, err := types.SignNewTx(s.key, s.signer, &types.DynamicFeeTx{
		ChainID: s.signer.ChainID(), Nonce: nonce, GasTipCap: tip, GasFeeCap: feeCap,
		Gas: gas + gas*gasMarginPercent/100, To: to, Data: data,
	})
	if err != nil {
		return nil, fmt.Errorf("sign transaction: %w", err)
	}
	if err := s.client.SendTransaction(ctx, tx); err != nil {
		return nil, fmt.Errorf("send transaction: %w", err)
	}
	return tx, nil
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

// Wait polls until tx is in a block. A node that has forgotten tx (it was restarted, or its pool was
// full) gets the same bytes again: they have one nonce, so they take effect at most once.
func (s *Sender) Wait(ctx context.Context, tx *types.Transaction) (*types.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, mineTimeout)
	defer cancel()
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for {
		receipt, err := s.client.TransactionReceipt(ctx, tx.Hash())
		switch {
		case err == nil && !s.atHead(ctx, receipt):
			// Look again: what the caller reads next must show this transaction's effects.
		case err == nil && receipt.Status == types.ReceiptStatusSuccessful:
			return receipt, nil
		case err == nil:
			return receipt, fmt.Errorf("transaction %s: %w", tx.Hash(), s.reason(ctx, tx, receipt))
		case errors.Is(err, ethereum.NotFound):
			if err := s.Rebroadcast(ctx, tx); err != nil {
				return nil, err
			}
		case ctx.Err() == nil:
			s.logger.Debug("node did not answer; asking again", "tx", tx.Hash(), "err", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for transaction %s: %w: %w", tx.Hash(), ErrPending, ctx.Err())
		case <-tick.C:
		}
	}
}

// atHead says whether "latest" has reached the receipt's block. A node writes a block's receipts a moment before it
// makes the block its head, so that a receipt can be seen while a read still answers from the block before.
func (s *Sender) atHead(ctx context.Context, receipt *types.Receipt) bool {
	head, err := s.client.BlockNumber(ctx)
	return err == nil && new(big.Int).SetUint64(head).Cmp(receipt.BlockNumber) >= 0
}

// Rebroadcast gives tx to the node again unless the node has it. ErrReplaced when its nonce is used up
// by another transaction.
func (s *Sender) Rebroadcast(ctx context.Context, tx *types.Transaction) error {
	if _, _, err := s.client.TransactionByHash(ctx, tx.Hash()); !errors.Is(err, ethereum.NotFound) {
		return nil // known, or no answer: the next look tells
	}
	used, err := s.client.NonceAt(ctx, s.from, nil)
	if err != nil {
		return nil
	}
	if used > tx.Nonce() {
		// It may have been mined between the two questions.
		if _, err := s.client.TransactionReceipt(ctx, tx.Hash()); !errors.Is(err, ethereum.NotFound) {
			return nil
		}
		return fmt.Errorf("transaction %s: %w", tx.Hash(), ErrReplaced)
	}
	if err := s.client.SendTransaction(ctx, tx); err != nil {
		s.logger.Debug("node did not take the transaction again", "tx", tx.Hash(), "err", err)
	}
	return nil
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

// drain waits until no transaction of this account is pending: one that a former process sent may be
// the very one that is about to be sent again. ErrPending when that takes longer than the caller has.
func (s *Sender) drain(ctx context.Context) error {
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for {
		pending, err := s.client.PendingNonceAt(ctx, s.from)
		if err != nil {
			return fmt.Errorf("ask for the nonce of %s: %w", s.from, err)
		}
		mined, err := s.client.NonceAt(ctx, s.from, nil)
		if err != nil {
			return fmt.Errorf("ask for the nonce of %s: %w", s.from, err)
		}
		if pending <= mined {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("send after nonce %d: %w: %w", mined, ErrPending, ctx.Err())
		case <-tick.C:
		}
	}
}
