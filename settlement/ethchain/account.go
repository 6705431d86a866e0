package ethchain

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// The methods here send one transaction each (Add… and Deposit… an approval before it where one is
// needed) and return when it is in a block. Their errors are the named ones of this package. A call that is pending
// already, as after a restart or when its caller's time was over, is waited for and not sent twice.

// AddStake stakes tokens of the account, after approving them if that is still to be done.
func (c *Chain) AddStake(ctx context.Context, a settlement.Amount) error {
	if err := c.ensureAllowance(ctx, c.stakeAt, wei(a)); err != nil {
		return fmt.Errorf("stake %s: %w", a, err)
	}
	return c.doStake(ctx, "stake "+a.String(), c.stake.PackStake(wei(a)))
}

// ThawStake starts the withdrawal of stake, which stops backing payouts at once.
func (c *Chain) ThawStake(ctx context.Context, a settlement.Amount) error {
	return c.doStake(ctx, "thaw stake "+a.String(), c.stake.PackThawStake(wei(a)))
}

// CancelThawStake puts thawing stake back to work.
func (c *Chain) CancelThawStake(ctx context.Context) error {
	return c.doStake(ctx, "cancel stake thaw", c.stake.PackCancelThawStake())
}

// WithdrawStake takes thawed stake out.
func (c *Chain) WithdrawStake(ctx context.Context) error {
	return c.doStake(ctx, "withdraw stake", c.stake.PackWithdrawStake())
}

// Deposit adds escrow to the account's lane towards payee, after approving it if that is still to be done.
func (c *Chain) Deposit(ctx context.Context, payee common.Address, a settlement.Amount) error {
	if err := c.ensureAllowance(ctx, c.domain.Contract, wei(a)); err != nil {
		return fmt.Errorf("deposit %s for %s: %w", a, payee, err)
	}
	return c.do(ctx, fmt.Sprintf("deposit %s for %s", a, payee), c.contract.PackDeposit(payee, wei(a)))
}

// Thaw starts the withdrawal of escrow from the lane towards payee.
func (c *Chain) Thaw(ctx context.Context, payee common.Address, a settlement.Amount) error {
	return c.do(ctx, "thaw "+a.String(), c.contract.PackThaw(payee, wei(a)))
}

// CancelThaw keeps the thawing escrow in the lane.
func (c *Chain) CancelThaw(ctx context.Context, payee common.Address) error {
	return c.do(ctx, "cancel thaw", c.contract.PackCancelThaw(payee))
}

// Withdraw takes thawed escrow out of the lane, or what vouchers have left of it.
func (c *Chain) Withdraw(ctx context.Context, payee common.Address) error {
	return c.do(ctx, "withdraw escrow", c.contract.PackWithdraw(payee))
}

// Claim pays all that the account has earned to to.
func (c *Chain) Claim(ctx context.Context, to common.Address) error {
	return c.do(ctx, "claim", c.contract.PackClaim(to))
}

func (c *Chain) approve(ctx context.Context, spender common.Address, units *big.Int) error {
	if c.sender == nil {
		return fmt.Errorf("approve tokens: %w", ErrReadOnly)
	}
	if err := c.sender.doOnce(ctx, &c.token, c.erc20.PackApprove(spender, units)); err != nil {
		return fmt.Errorf("approve tokens: %w", err)
	}
	return nil
}

// ensureAllowance approves exactly units unless that much is allowed: an open-ended approval would put
// all of the account's tokens at the spender's mercy. What a crash between approval and deposit has left is taken back
// first, as some tokens, USDT among them, change no allowance that is not zero.
func (c *Chain) ensureAllowance(ctx context.Context, spender common.Address, units *big.Int) error {
	if c.sender == nil {
		return ErrReadOnly
	}
	have, err := readAt(ctx, c, c.token, c.erc20.PackAllowance(c.sender.from, spender), c.erc20.UnpackAllowance)
	if err != nil {
		return fmt.Errorf("read allowance: %w", err)
	}
	if have.Cmp(units) >= 0 {
		return nil
	}
	if have.Sign() > 0 {
		if err := c.approve(ctx, spender, new(big.Int)); err != nil {
			return err
		}
	}
	return c.approve(ctx, spender, units)
}

func (c *Chain) do(ctx context.Context, what string, data []byte) error {
	return c.call(ctx, c.domain.Contract, what, data)
}

func (c *Chain) doStake(ctx context.Context, what string, data []byte) error {
	return c.call(ctx, c.stakeAt, what, data)
}

func (c *Chain) call(ctx context.Context, to common.Address, what string, data []byte) error {
	if c.sender == nil {
		return fmt.Errorf("%s: %w", what, ErrReadOnly)
	}
	if err := c.sender.doOnce(ctx, &to, data); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
