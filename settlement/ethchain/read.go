package ethchain

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// amount converts a token amount. Values over 64 bits mean more dollars than there are.
func amount(v *big.Int) (settlement.Amount, error) {
	if !v.IsUint64() {
		return 0, fmt.Errorf("read amount %s: %w", v, settlement.ErrOverflow)
	}
	return settlement.Amount(v.Uint64()), nil
}

func wei(a settlement.Amount) *big.Int { return new(big.Int).SetUint64(uint64(a)) }

// amounts converts several at once.
func amounts(vs ...*big.Int) ([]settlement.Amount, error) {
	out := make([]settlement.Amount, len(vs))
	for i, v := range vs {
		a, err := amount(v)
		if err != nil {
			return nil, err
		}
		out[i] = a
	}
	return out, nil
}

// NextEpoch implements settlement.Chain.
func (c *Chain) NextEpoch(ctx context.Context, payer common.Address) (uint64, error) {
	epoch, err := read(ctx, c, c.contract.PackNextEpoch(payer), c.contract.UnpackNextEpoch)
	if err != nil {
		return 0, fmt.Errorf("read next epoch of %s: %w", payer, err)
	}
	return epoch, nil
}

// Lane implements settlement.ChainReader.
func (c *Chain) Lane(ctx context.Context, payer, payee common.Address) (settlement.Lane, error) {
	out, err := read(ctx, c, c.contract.PackLaneOf(payer, payee), c.contract.UnpackLaneOf)
	if err != nil {
		return settlement.Lane{}, fmt.Errorf("read lane %s to %s: %w", payer, payee, err)
	}
	v, err := amounts(out.Balance, out.Collected)
	if err != nil {
		return settlement.Lane{}, fmt.Errorf("read lane %s to %s: %w", payer, payee, err)
	}
	return settlement.Lane{Balance: v[0], Collected: v[1], ThawEnd: out.ThawEnd}, nil
}

// Stake implements settlement.ChainReader.
func (c *Chain) Stake(ctx context.Context, operator common.Address) (settlement.Stake, error) {
	out, err := readAt(ctx, c, c.stakeAt, c.stake.PackStakeOf(operator), c.stake.UnpackStakeOf)
	if err != nil {
		return settlement.Stake{}, fmt.Errorf("read stake of %s: %w", operator, err)
	}
	v, err := amounts(out.Total, out.Thawing)
	if err != nil {
		return settlement.Stake{}, fmt.Errorf("read stake of %s: %w", operator, err)
	}
	return settlement.Stake{Amount: v[0], Thawing: v[1], ThawEnd: out.ThawEnd}, nil
}

// Punished implements settlement.ChainReader.
func (c *Chain) Punished(ctx context.Context, evidence common.Hash) (bool, error) {
	done, err := readAt(ctx, c, c.stakeAt, c.stake.PackPunished(evidence), c.stake.UnpackPunished)
	if err != nil {
		return false, fmt.Errorf("look up evidence %s: %w", evidence, err)
	}
	return done, nil
}

// Claimable implements settlement.Chain.
func (c *Chain) Claimable(ctx context.Context, operator common.Address) (settlement.Amount, error) {
	return c.readAmount(ctx, "claimable of", operator, c.stake.PackClaimable(operator), c.stake.UnpackClaimable)
}

// EpochRoom returns what the operator's stake still lets it be paid in this payout epoch.
func (c *Chain) EpochRoom(ctx context.Context, operator common.Address) (settlement.Amount, error) {
	return c.readAmount(ctx, "payout room of", operator, c.stake.PackEpochRoom(operator), c.stake.UnpackEpochRoom)
}

func (c *Chain) readAmount(ctx context.Context, what string, who common.Address, data []byte, unpack func([]byte) (*big.Int, error)) (settlement.Amount, error) {
	v, err := readAt(ctx, c, c.stakeAt, data, unpack)
	if err != nil {
		return 0, fmt.Errorf("read %s %s: %w", what, who, err)
	}
	a, err := amount(v)
	if err != nil {
		return 0, fmt.Errorf("read %s %s: %w", what, who, err)
	}
	return a, nil
}

// Balance returns the settlement tokens in an account. Ether is not counted.
func (c *Chain) Balance(ctx context.Context, account common.Address) (settlement.Amount, error) {
	v, err := readAt(ctx, c, c.token, c.erc20.PackBalanceOf(account), c.erc20.UnpackBalanceOf)
	if err != nil {
		return 0, fmt.Errorf("read token balance of %s: %w", account, err)
	}
	a, err := amount(v)
	if err != nil {
		return 0, fmt.Errorf("read token balance of %s: %w", account, err)
	}
	return a, nil
}
