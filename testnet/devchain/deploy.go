package devchain

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// Params are what the settlement contract is deployed with; it keeps them for ever.
type Params struct {
	Epoch     time.Duration // length of a payout epoch; whole seconds
	StakeThaw time.Duration // at least one epoch
	LaneThaw  time.Duration
	CapBps    uint32 // payout per epoch in 1/10000 of the stake
}

// DefaultParams are the periods of a real deployment.
func DefaultParams() Params {
	return Params{Epoch: 24 * time.Hour, StakeThaw: 14 * 24 * time.Hour, LaneThaw: 7 * 24 * time.Hour, CapBps: 10_000}
}

// Deployment says where the contracts are.
type Deployment struct {
	Token      common.Address // TestToken, 6 decimals, anyone may mint
	Settlement common.Address // FlotillaSettlement
}

// The deployer's first two transactions create the contracts, so that their addresses follow from the
// key alone.
const (
	tokenNonce = iota
	settlementNonce
)

// AddressesOf returns where Deploy puts the contracts with the key of this deployer.
func AddressesOf(deployer common.Address) Deployment {
	return Deployment{
		Token:      crypto.CreateAddress(deployer, tokenNonce),
		Settlement: crypto.CreateAddress(deployer, settlementNonce),
	}
}

// Deploy puts TestToken and FlotillaSettlement on the chain, or finds them there. The key must have
// money and be used for nothing else before. A crash in between is made good by the next call. An
// existing deployment with other parameters is an error.
func Deploy(ctx context.Context, client *ethclient.Client, key *ecdsa.PrivateKey, p Params) (Deployment, error) {
	sender, err := newSender(client, key)
	if err != nil {
		return Deployment{}, fmt.Errorf("deploy contracts: %w", err)
	}
	d := AddressesOf(sender.Account())
	constructor := bindings.NewFlotillaSettlement().PackConstructor(d.Token, seconds(p.Epoch), seconds(p.StakeThaw), seconds(p.LaneThaw), p.CapBps)
	creations := []struct {
		name string
		at   common.Address
		code []byte
	}{
		{"TestToken", d.Token, common.FromHex(bindings.TestTokenMetaData.Bin)},
		{"FlotillaSettlement", d.Settlement, append(common.FromHex(bindings.FlotillaSettlementMetaData.Bin), constructor...)},
	}
	for _, creation := range creations {
		if err := create(ctx, client, sender, creation.at, creation.code); err != nil {
			return Deployment{}, fmt.Errorf("deploy %s: %w", creation.name, err)
		}
	}
	if err := checkParams(ctx, client, d, p); err != nil {
		return Deployment{}, fmt.Errorf("deploy contracts: %w", err)
	}
	return d, nil
}

func seconds(d time.Duration) uint64 { return uint64(d / time.Second) }

// create sends code as a contract unless one is at its address already.
func create(ctx context.Context, client *ethclient.Client, sender *ethchain.Sender, at common.Address, code []byte) error {
	there, err := client.CodeAt(ctx, at, nil)
	if err != nil {
		return fmt.Errorf("look for code at %s: %w", at, err)
	}
	if len(there) > 0 {
		return nil
	}
	receipt, err := sender.Do(ctx, nil, code)
	if err != nil {
		return err
	}
	if receipt.ContractAddress != at {
		return fmt.Errorf("contract is at %s, not %s: the deployer's key was used for something else", receipt.ContractAddress, at)
	}
	return nil
}

// checkParams compares what is deployed with what is asked for.
func checkParams(ctx context.Context, client *ethclient.Client, d Deployment, p Params) error {
	contract := bindings.NewFlotillaSettlement()
	read := func(data []byte) (uint64, error) {
		out, err := client.CallContract(ctx, ethereum.CallMsg{To: &d.Settlement, Data: data}, nil)
		if err != nil {
			return 0, fmt.Errorf("read parameters: %w", err)
		}
		return new(big.Int).SetBytes(out).Uint64(), nil
	}
	var have [4]uint64
	for i, data := range [][]byte{
		contract.PackEpochSeconds(), contract.PackStakeThawSeconds(), contract.PackLaneThawSeconds(), contract.PackCapBps(),
	} {
		v, err := read(data)
		if err != nil {
			return err
		}
		have[i] = v
	}
	want := [4]uint64{seconds(p.Epoch), seconds(p.StakeThaw), seconds(p.LaneThaw), uint64(p.CapBps)}
	if have != want {
		return fmt.Errorf("the contract at %s has epoch, thaws and cap %v, not %v: remove the chain's folder to deploy anew", d.Settlement, have, want)
	}
	return nil
}

// Mint makes a test tokens for to. Anyone may, so any funded key will do.
func Mint(ctx context.Context, client *ethclient.Client, key *ecdsa.PrivateKey, token, to common.Address, a settlement.Amount) error {
	sender, err := newSender(client, key)
	if err != nil {
		return fmt.Errorf("mint: %w", err)
	}
	data := bindings.NewTestToken().PackMint(to, new(big.Int).SetUint64(uint64(a)))
	if _, err := sender.Do(ctx, &token, data); err != nil {
		return fmt.Errorf("mint %s for %s: %w", a, to, err)
	}
	return nil
}

func newSender(client *ethclient.Client, key *ecdsa.PrivateKey) (*ethchain.Sender, error) {
	if key == nil {
		return nil, errors.New("no key given")
	}
	return ethchain.NewSender(ethchain.Config{Client: client, ChainID: ChainID, Key: key, PollEvery: minBlockGap})
}
