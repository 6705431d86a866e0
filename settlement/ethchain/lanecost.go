package ethchain

import (
	"context"
	"fmt"
	"math"
	"math/big"

	"flotilla/settlement"
)

// laneGas is what one more lane adds to settleBatch on warm slots (contracts/snapshots/Gas.json).
const laneGas = 17_200

// LaneCost implements settlement.Chain: the gas of a lane at the price that a transaction would pay now, which is never
// above the ceiling.
func (c *Chain) LaneCost(ctx context.Context) (settlement.Amount, error) {
	if c.price == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	perGas, err := c.client.SuggestGasPrice(ctx) // base fee and tip, in wei
	if err != nil {
		return 0, fmt.Errorf("ask for the gas price: %w", err)
	}
	if perGas.Cmp(c.maxFee) > 0 {
		perGas = c.maxFee
	}
	cost := new(big.Int).Mul(perGas, big.NewInt(laneGas))
	cost.Mul(cost, wei(c.price))
	cost.Add(cost, big.NewInt(weiPerCoin-1)).Div(cost, big.NewInt(weiPerCoin)) // rounded up
	if !cost.IsUint64() {
		return settlement.Amount(math.MaxUint64), nil // dearer than any lane is worth
	}
	return settlement.Amount(cost.Uint64()), nil
}

// weiPerCoin is the chain's own unit in that of gas prices.
const weiPerCoin = 1_000_000_000_000_000_000
