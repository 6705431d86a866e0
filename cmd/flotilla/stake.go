package main

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// stakeCmd is what an operator does with its stake.
type stakeCmd struct {
	Status   stakeStatusCmd   `cmd:"" help:"Show an operator's stake, what thaws, what it can still be paid, and what it can claim."`
	Add      stakeAddCmd      `cmd:"" help:"Add stake. An operator is paid at most its stake in one payout epoch."`
	Thaw     stakeThawCmd     `cmd:"" help:"Start to take stake out. It backs no payout from now on and can be slashed until it is withdrawn."`
	Cancel   stakeCancelCmd   `cmd:"" help:"Put thawing stake back to work."`
	Withdraw stakeWithdrawCmd `cmd:"" help:"Take thawed stake out."`
}

type stakeStatusCmd struct {
	chainFlags
	Operator address `arg:"" help:"Account of the operator."`
}

// Run prints the account as the chain has it.
func (c *stakeStatusCmd) Run(ctx context.Context, s *streams) error {
	return c.look(ctx, func(ctx context.Context, chain *ethchain.Chain) error {
		return printStake(ctx, s, chain, common.Address(c.Operator))
	})
}

func printStake(ctx context.Context, s *streams, chain *ethchain.Chain, operator common.Address) error {
	stake, err := chain.Stake(ctx, operator)
	if err != nil {
		return err
	}
	room, err := chain.EpochRoom(ctx, operator)
	if err != nil {
		return err
	}
	claimable, err := chain.Claimable(ctx, operator)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "operator    %s\nstake       %s\n", operator, stake.Amount)
	if stake.ThawEnd != 0 {
		fmt.Fprintf(s.out, "thawing     %s, to be withdrawn from %s\n", stake.Thawing, when(stake.ThawEnd))
	}
	fmt.Fprintf(s.out, "room        %s can still be paid in this epoch\nclaimable   %s\n", room, claimable)
	return nil
}

// onStake does one thing to the account's stake and prints it.
func (a accountFlags) onStake(ctx context.Context, s *streams, do func(context.Context, *ethchain.Chain) error) error {
	return a.act(ctx, func(ctx context.Context, chain *ethchain.Chain) error {
		if err := do(ctx, chain); err != nil {
			return err
		}
		return printStake(ctx, s, chain, chain.Account())
	})
}

type stakeAddCmd struct {
	accountFlags
	Amount usd `arg:"" help:"Dollars to add."`
}

// Run stakes, with an allowance of exactly the amount before it where one is needed.
func (c *stakeAddCmd) Run(ctx context.Context, s *streams) error {
	return c.onStake(ctx, s, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.AddStake(ctx, settlement.Amount(c.Amount))
	})
}

type stakeThawCmd struct {
	accountFlags
	Amount usd `arg:"" help:"Dollars to take out."`
}

// Run starts the thaw.
func (c *stakeThawCmd) Run(ctx context.Context, s *streams) error {
	return c.onStake(ctx, s, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.ThawStake(ctx, settlement.Amount(c.Amount))
	})
}

type stakeCancelCmd struct{ accountFlags }

// Run cancels the thaw.
func (c *stakeCancelCmd) Run(ctx context.Context, s *streams) error {
	return c.onStake(ctx, s, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.CancelThawStake(ctx)
	})
}

type stakeWithdrawCmd struct{ accountFlags }

// Run withdraws what has thawed.
func (c *stakeWithdrawCmd) Run(ctx context.Context, s *streams) error {
	return c.onStake(ctx, s, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.WithdrawStake(ctx)
	})
}

// claimCmd pays out what an account has been credited.
type claimCmd struct {
	accountFlags
	To *address `help:"Account that gets the tokens; without it, the account of the key." env:"FLOTILLA_CLAIM_TO" placeholder:"ADDRESS"`
}

// Help is shown under the usage.
func (*claimCmd) Help() string {
	return `Pays out everything that the key's account has been credited: payouts of settled receipts, restitution after an
operator's fault, and bounties for reporting one.`
}

// Run claims and says how much it was.
func (c *claimCmd) Run(ctx context.Context, s *streams) error {
	return c.act(ctx, func(ctx context.Context, chain *ethchain.Chain) error {
		to := chain.Account()
		if c.To != nil {
			to = common.Address(*c.To)
		}
		amount, err := chain.Claimable(ctx, chain.Account())
		if err != nil {
			return err
		}
		if err := chain.Claim(ctx, to); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "claimed %s to %s\n", amount, to)
		return nil
	})
}
