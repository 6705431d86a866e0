package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// escrowCmd is what a gateway's owner does with the money in its lanes, and with the keys that may spend it.
type escrowCmd struct {
	Status   escrowStatusCmd   `cmd:"" help:"Show the lane of a payer (gateway) towards a payee (operator)."`
	Deposit  escrowDepositCmd  `cmd:"" help:"Add escrow to the lane towards a payee."`
	Thaw     escrowThawCmd     `cmd:"" help:"Start to take escrow out. What the payee is owed can be collected until it is withdrawn."`
	Cancel   escrowCancelCmd   `cmd:"" help:"Leave thawing escrow in its lane."`
	Withdraw escrowWithdrawCmd `cmd:"" help:"Take thawed escrow out."`
	Consent  consentCmd        `cmd:"" help:"With a signer's key: sign its consent to sign for a payer."`
	Signer   signerCmd         `cmd:"" help:"Let another key sign vouchers and batches for this account, or end that."`
}

// laneArg names the payee of one of the account's lanes.
type laneArg struct {
	Payee address `arg:"" help:"Account of the operator."`
}

type escrowStatusCmd struct {
	chainFlags
	Payer address `arg:"" help:"Account of the gateway."`
	Payee address `arg:"" help:"Account of the operator."`
}

// Run prints the lane as the chain has it.
func (c *escrowStatusCmd) Run(ctx context.Context, s *streams) error {
	return c.look(ctx, func(ctx context.Context, chain *ethchain.Chain) error {
		return printLane(ctx, s, chain, common.Address(c.Payer), common.Address(c.Payee))
	})
}

func printLane(ctx context.Context, s *streams, chain *ethchain.Chain, payer, payee common.Address) error {
	lane, err := chain.Lane(ctx, payer, payee)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "lane        %s → %s\nescrow      %s\ncollected   %s\n", payer, payee, lane.Balance, lane.Collected)
	if lane.ThawEnd != 0 {
		fmt.Fprintf(s.out, "thawing     part of it can be withdrawn from %s\n", when(lane.ThawEnd))
	}
	return nil
}

// onLane does one thing to a lane of the account and prints the lane.
func (a accountFlags) onLane(ctx context.Context, s *streams, payee address, do func(context.Context, *ethchain.Chain) error) error {
	return a.act(ctx, func(ctx context.Context, chain *ethchain.Chain) error {
		if err := do(ctx, chain); err != nil {
			return err
		}
		return printLane(ctx, s, chain, chain.Account(), common.Address(payee))
	})
}

type escrowDepositCmd struct {
	accountFlags
	laneArg
	Amount usd `arg:"" help:"Dollars to add."`
}

// Run deposits, with an allowance of exactly the amount before it where one is needed.
func (c *escrowDepositCmd) Run(ctx context.Context, s *streams) error {
	return c.onLane(ctx, s, c.Payee, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.Deposit(ctx, common.Address(c.Payee), settlement.Amount(c.Amount))
	})
}

type escrowThawCmd struct {
	accountFlags
	laneArg
	Amount usd `arg:"" help:"Dollars to take out."`
}

// Run starts the thaw.
func (c *escrowThawCmd) Run(ctx context.Context, s *streams) error {
	return c.onLane(ctx, s, c.Payee, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.Thaw(ctx, common.Address(c.Payee), settlement.Amount(c.Amount))
	})
}

type escrowCancelCmd struct {
	accountFlags
	laneArg
}

// Run cancels the thaw.
func (c *escrowCancelCmd) Run(ctx context.Context, s *streams) error {
	return c.onLane(ctx, s, c.Payee, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.CancelThaw(ctx, common.Address(c.Payee))
	})
}

type escrowWithdrawCmd struct {
	accountFlags
	laneArg
}

// Run withdraws what has thawed.
func (c *escrowWithdrawCmd) Run(ctx context.Context, s *streams) error {
	return c.onLane(ctx, s, c.Payee, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.Withdraw(ctx, common.Address(c.Payee))
	})
}

type consentCmd struct {
	chainFlags
	keyFlags
	Payer address       `arg:"" help:"Account that the key is to sign for."`
	Valid time.Duration `help:"How long the payer has to bring the consent on chain." default:"1h"`
}

// Run prints what the payer needs for 'escrow signer authorize'.
func (c *consentCmd) Run(s *streams) error {
	key, err := c.load()
	if err != nil {
		return err
	}
	domain, err := c.domain()
	if err != nil {
		return err
	}
	consent := settlement.SignerAuthorization{
		Payer: common.Address(c.Payer), Signer: crypto.PubkeyToAddress(key.PublicKey), Deadline: uint64(time.Now().Add(c.Valid).Unix()),
	}
	sig, err := settlement.Sign(key, consent.Digest(domain))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s %d %s\n", consent.Signer, consent.Deadline, hexutil.Bytes(sig))
	return nil
}

// signerCmd manages the keys that may sign for the account.
type signerCmd struct {
	Status    signerStatusCmd    `cmd:"" help:"Show whom a key signs for."`
	List      signerListCmd      `cmd:"" help:"Show every key that an account has ever authorised."`
	Authorize signerAuthorizeCmd `cmd:"" help:"Bind a key to this account, for ever, with the consent that it signed."`
	Thaw      signerThawCmd      `cmd:"" help:"Start to revoke a key. What it signed can be settled until the thaw ends."`
	Cancel    signerCancelCmd    `cmd:"" help:"Keep a key whose thaw has not ended."`
}

type signerStatusCmd struct {
	chainFlags
	Signer address `arg:"" help:"Account of the key."`
}

// Run prints the binding as the chain has it.
func (c *signerStatusCmd) Run(ctx context.Context, s *streams) error {
	return c.look(ctx, func(ctx context.Context, chain *ethchain.Chain) error {
		return printSigner(ctx, s, chain, common.Address(c.Signer))
	})
}

func printSigner(ctx context.Context, s *streams, chain *ethchain.Chain, signer common.Address) error {
	binding, err := chain.SignerOf(ctx, signer)
	if err != nil {
		return err
	}
	printBinding(s, signer, binding)
	return nil
}

func printBinding(s *streams, signer common.Address, binding settlement.SignerBinding) {
	switch {
	case binding.Payer == (common.Address{}):
		fmt.Fprintf(s.out, "signer      %s signs for nobody but itself\n", signer)
	case binding.ThawEnd == 0:
		fmt.Fprintf(s.out, "signer      %s signs for %s\n", signer, binding.Payer)
	default:
		fmt.Fprintf(s.out, "signer      %s signs for %s, revoked from %s\n", signer, binding.Payer, when(binding.ThawEnd))
	}
}

type signerListCmd struct {
	chainFlags
	Payer address `arg:"" help:"Account that has authorised the keys."`
}

// Help is shown under the usage.
func (*signerListCmd) Help() string {
	return `Reads the contract's events from --from-block on, the oldest key first. A node that prunes logs leaves out what it
has forgotten; 'flotilla escrow signer status' asks for one key without them.`
}

// Run prints each binding as the chain has it now.
func (c *signerListCmd) Run(ctx context.Context, s *streams) error {
	return c.look(ctx, func(ctx context.Context, chain *ethchain.Chain) error {
		signers, err := chain.AuthorizedSigners(ctx, common.Address(c.Payer))
		if err != nil {
			return err
		}
		if len(signers) == 0 {
			fmt.Fprintf(s.out, "no key signs for %s but its own\n", common.Address(c.Payer))
		}
		for _, signer := range signers {
			printBinding(s, signer.Key, signer.Binding)
		}
		return nil
	})
}

// onSigner does one thing to a signer of the account and prints it.
func (a accountFlags) onSigner(ctx context.Context, s *streams, signer address, do func(context.Context, *ethchain.Chain) error) error {
	return a.act(ctx, func(ctx context.Context, chain *ethchain.Chain) error {
		if err := do(ctx, chain); err != nil {
			return err
		}
		return printSigner(ctx, s, chain, common.Address(signer))
	})
}

type signerAuthorizeCmd struct {
	accountFlags
	Signer   address `arg:"" help:"Account of the key."`
	Deadline uint64  `arg:"" help:"Unix time in the consent."`
	Proof    string  `arg:"" help:"Signature in the consent: all three as 'escrow consent' prints them."`
}

// Run binds the key.
func (c *signerAuthorizeCmd) Run(ctx context.Context, s *streams) error {
	var proof settlement.Signature
	if err := proof.UnmarshalText([]byte(c.Proof)); err != nil || len(proof) == 0 {
		return errors.Join(errors.New("the consent's signature is 0x and 130 hex digits: copy the line that 'escrow consent' prints"), err)
	}
	return c.onSigner(ctx, s, c.Signer, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.AuthorizeSigner(ctx, common.Address(c.Signer), c.Deadline, proof)
	})
}

type signerThawCmd struct {
	accountFlags
	Signer address `arg:"" help:"Account of the key."`
}

// Run starts the revocation.
func (c *signerThawCmd) Run(ctx context.Context, s *streams) error {
	return c.onSigner(ctx, s, c.Signer, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.ThawSigner(ctx, common.Address(c.Signer))
	})
}

type signerCancelCmd struct {
	accountFlags
	Signer address `arg:"" help:"Account of the key."`
}

// Run cancels the revocation.
func (c *signerCancelCmd) Run(ctx context.Context, s *streams) error {
	return c.onSigner(ctx, s, c.Signer, func(ctx context.Context, chain *ethchain.Chain) error {
		return chain.CancelThawSigner(ctx, common.Address(c.Signer))
	})
}
