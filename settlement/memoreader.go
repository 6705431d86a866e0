package settlement

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
)

// memoReader asks the chain each question once: the receipts of one batch and lane share most of their answers. Errors
// are not kept. It belongs to one goroutine and lives as long as one verification of many files, which bounds it.
type memoReader struct {
	chain   ChainReader
	anchors map[batchKey]Anchor
	lanes   map[LaneKey]Lane
	stakes  map[common.Address]Stake
	signers map[common.Address]SignerBinding
}

type batchKey struct {
	payer common.Address
	epoch uint64
}

func newMemoReader(chain ChainReader) *memoReader {
	return &memoReader{
		chain: chain, anchors: make(map[batchKey]Anchor), lanes: make(map[LaneKey]Lane), stakes: make(map[common.Address]Stake),
		signers: make(map[common.Address]SignerBinding),
	}
}

func (m *memoReader) BatchAnchor(ctx context.Context, payer common.Address, epoch uint64) (Anchor, error) {
	return remember(m.anchors, batchKey{payer, epoch}, func() (Anchor, error) { return m.chain.BatchAnchor(ctx, payer, epoch) })
}

func (m *memoReader) Lane(ctx context.Context, payer, payee common.Address) (Lane, error) {
	return remember(m.lanes, LaneKey{payer, payee}, func() (Lane, error) { return m.chain.Lane(ctx, payer, payee) })
}

func (m *memoReader) Stake(ctx context.Context, operator common.Address) (Stake, error) {
	return remember(m.stakes, operator, func() (Stake, error) { return m.chain.Stake(ctx, operator) })
}

func (m *memoReader) SignerOf(ctx context.Context, signer common.Address) (SignerBinding, error) {
	return remember(m.signers, signer, func() (SignerBinding, error) { return m.chain.SignerOf(ctx, signer) })
}

func (m *memoReader) Punished(ctx context.Context, evidence common.Hash) (bool, error) {
	return m.chain.Punished(ctx, evidence)
}

func remember[K comparable, V any](known map[K]V, key K, ask func() (V, error)) (V, error) {
	if v, ok := known[key]; ok {
		return v, nil
	}
	v, err := ask()
	if err == nil {
		known[key] = v
	}
	return v, err
}
