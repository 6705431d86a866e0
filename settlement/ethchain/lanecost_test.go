package ethchain_test

import (
	"math/big"
	"testing"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

// A lane costs its gas at the chain's own price: nothing where the coin is worth nothing, and the more the dearer it is.
func TestLaneCostFollowsTheGasPrice(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	free, err := w.as(t, w.gateway).LaneCost(ctx)
	must(t, err)
	if free != 0 {
		t.Fatalf("a lane costs %v where gas costs nothing", free)
	}
	c, err := ethchain.New(ctx, ethchain.Config{Client: w.Client(), Contract: w.Settlement, ChainID: devchain.ChainID, NativePrice: 4000 * usd})
	must(t, err)
	got, err := c.LaneCost(ctx)
	must(t, err)
	price, err := w.Client().SuggestGasPrice(ctx)
	must(t, err)
	// 17,200 gas at price wei, of which 10^18 cost 4,000 USD; rounded up to a base unit.
	want := new(big.Int).Mul(price, big.NewInt(17_200*4_000_000_000))
	want.Add(want, big.NewInt(1e18-1)).Div(want, big.NewInt(1e18))
	if !want.IsUint64() || uint64(got) != want.Uint64() || got == 0 {
		t.Fatalf("a lane costs %v at %s wei, want %s base units", got, price, want)
	}
	miser, err := ethchain.New(ctx, ethchain.Config{
		Client: w.Client(), Contract: w.Settlement, ChainID: devchain.ChainID, NativePrice: 4000 * usd, MaxFeePerGas: big.NewInt(1e9 / 16),
	})
	must(t, err)
	got, err = miser.LaneCost(ctx)
	must(t, err)
	if want := settlement.Amount(17_200 * 4000 / 16 / 1000); got != want { // nothing is ever sent at a higher price
		t.Fatalf("a lane costs %v under a ceiling, want %v", got, want)
	}
}
