package ethchain_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

const (
	epoch     = 24 * time.Hour
	laneThaw  = time.Hour
	stakeThaw = 3 * epoch // the least: evidence window and two epochs
	usd       = settlement.Amount(1_000_000)
)

// world is a fresh chain in memory with the contracts, and funded accounts.
type world struct {
	*devchain.Chain
	devchain.Deployment
	gateway, op1, op2, nobody, deployer *ecdsa.PrivateKey
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newWorld starts at the first second of a payout epoch, so that no test crosses into the next by chance.
func newWorld(t testing.TB, gap time.Duration) *world {
	t.Helper()
	w := &world{gateway: newKey(t), op1: newKey(t), op2: newKey(t), nobody: newKey(t), deployer: newKey(t)}
	w.start(t, gap)
	w.deploy(t)
	w.nextPayoutEpoch(t)
	return w
}

// start runs a chain without contracts.
func (w *world) start(t testing.TB, gap time.Duration) {
	t.Helper()
	alloc := map[common.Address]*big.Int{}
	for _, key := range []*ecdsa.PrivateKey{w.gateway, w.op1, w.op2, w.nobody, w.deployer} {
		alloc[ethchain.AddressOf(key)] = new(big.Int).Mul(big.NewInt(100), big.NewInt(1e18))
	}
	var err error
	if w.Chain, err = devchain.Start(deadline(t), devchain.Config{BlockGap: gap, Alloc: alloc}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Chain.Close(); err != nil {
			t.Error(err)
		}
	})
}

// deploy puts the contracts where the deployer's key has them, and gives 1000 dollars to who needs some.
func (w *world) deploy(t testing.TB) {
	t.Helper()
	params := devchain.Params{LaneThaw: laneThaw, Epoch: epoch, Evidence: epoch, StakeThaw: stakeThaw, MinPenalty: usd}
	var err error
	if w.Deployment, err = devchain.Deploy(deadline(t), w.Client(), w.deployer, params); err != nil {
		t.Fatal(err)
	}
	for _, key := range []*ecdsa.PrivateKey{w.gateway, w.op1, w.op2} {
		if err := devchain.Mint(deadline(t), w.Client(), w.deployer, w.Token, ethchain.AddressOf(key), 1000*usd); err != nil {
			t.Fatal(err)
		}
	}
}

// nextPayoutEpoch moves the chain's clock to the beginning of the next payout epoch.
func (w *world) nextPayoutEpoch(t testing.TB) {
	t.Helper()
	head, err := w.Client().HeaderByNumber(deadline(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	length := uint64(epoch / time.Second)
	w.warp(t, time.Duration(length-head.Time%length)*time.Second)
}

func (w *world) warp(t testing.TB, d time.Duration) {
	t.Helper()
	if err := w.Warp(d); err != nil {
		t.Fatal(err)
	}
}

// as returns the contract as the holder of key sees it.
func (w *world) as(t testing.TB, key *ecdsa.PrivateKey) *ethchain.Chain {
	t.Helper()
	return w.open(t, key, func(*ethchain.Config) {})
}

// open is as with a change of the configuration.
func (w *world) open(t testing.TB, key *ecdsa.PrivateKey, change func(*ethchain.Config)) *ethchain.Chain {
	t.Helper()
	cfg := ethchain.Config{
		Client: w.Client(), Contract: w.Settlement, ChainID: devchain.ChainID, Key: key, PollEvery: 5 * time.Millisecond,
	}
	change(&cfg)
	c, err := ethchain.New(deadline(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (w *world) domain() settlement.Domain {
	return settlement.Domain{ChainID: devchain.ChainID, Contract: w.Settlement}
}

// batch returns the gateway's signed batch with these lane totals.
func (w *world) batch(t testing.TB, number uint64, root byte, lanes ...settlement.LaneTotal) (settlement.Batch, settlement.Signature) {
	t.Helper()
	slices.SortFunc(lanes, func(a, b settlement.LaneTotal) int { return bytes.Compare(a.Payee[:], b.Payee[:]) })
	b := settlement.Batch{
		Payer: ethchain.AddressOf(w.gateway), Epoch: number, ReceiptCount: 3, ReceiptsRoot: common.Hash{root}, Lanes: lanes,
	}
	return b, sign(t, w.gateway, b.Digest(w.domain()))
}

func (w *world) voucher(t testing.TB, payee *ecdsa.PrivateKey, total settlement.Amount) (settlement.Voucher, settlement.Signature) {
	t.Helper()
	v := settlement.Voucher{Payer: ethchain.AddressOf(w.gateway), Payee: ethchain.AddressOf(payee), ValueAggregate: total, ReceiptCount: 9}
	return v, sign(t, w.gateway, v.Digest(w.domain()))
}

func sign(t testing.TB, key *ecdsa.PrivateKey, digest common.Hash) settlement.Signature {
	t.Helper()
	sig, err := settlement.Sign(key, digest)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func lane(payee *ecdsa.PrivateKey, total settlement.Amount) settlement.LaneTotal {
	return settlement.LaneTotal{Payee: ethchain.AddressOf(payee), ValueAggregate: total}
}

// deadline is far beyond what any step needs: it ends a hung test, it measures nothing.
func deadline(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mined waits for a transaction that must succeed. Its arguments are the results of a sending method.
func mined(t testing.TB, c *ethchain.Chain) func(common.Hash, error) {
	return func(tx common.Hash, err error) {
		t.Helper()
		must(t, err)
		must(t, c.WaitMined(deadline(t), tx))
	}
}
