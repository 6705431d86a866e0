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

// Params are what the contracts are deployed with; they keep them for ever. Durations are whole seconds.
type Params struct {
	LaneThaw   time.Duration     // how long payees have to settle before escrow leaves
	Epoch      time.Duration     // length of a payout epoch
	Evidence   time.Duration     // how long after a payout there is surely time to bring evidence
	StakeThaw  time.Duration     // at least Evidence and two epochs
	MinPenalty settlement.Amount // the least that a proven fault costs
}

// DefaultParams are the periods of a real deployment.
func DefaultParams() Params {
	const day = 24 * time.Hour
	return Params{LaneThaw: 7 * day, Epoch: day, Evidence: 7 * day, StakeThaw: 14 * day, MinPenalty: 1_000_000}
}

// Deployment says where the contracts are.
type Deployment struct {
	Token      common.Address // TestToken, 6 decimals, anyone may mint
	Settlement common.Address // FlotillaSettlement
	Stake      common.Address // FlotillaStake, which the settlement contract creates
}

// The deployer's first two transactions create the contracts, so that their addresses follow from the
// key alone.
const (
	tokenNonce = iota
	settlementNonce
)

// AddressesOf returns where Deploy puts the contracts with the key of this deployer.
func AddressesOf(deployer common.Address) Deployment {
	d := Deployment{
		Token:      crypto.CreateAddress(deployer, tokenNonce),
		Settlement: crypto.CreateAddress(deployer, settlementNonce),
	}
	d.Stake = crypto.CreateAddress(d.Settlement, 1) // a contract's first creation
	return d
}

// Deploy puts TestToken, FlotillaSettlement and its FlotillaStake on the chain, or finds them there. The key must have
// money and be used for nothing else before. A crash in between is made good by the next call. An
// existing deployment with other parameters is an error.
func Deploy(ctx context.Context, client *ethclient.Client, key *ecdsa.PrivateKey, p Params) (Deployment, error) {
	sender, err := newSender(client, key)
	if err != nil {
		return Deployment{}, fmt.Errorf("deploy contracts: %w", err)
	}
	d := AddressesOf(sender.Account())
	constructor := bindings.NewFlotillaSettlement().PackConstructor(
		d.Token, seconds(p.LaneThaw), seconds(p.Epoch), seconds(p.Evidence), seconds(p.StakeThaw), uint64(p.MinPenalty))
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
	settles, stakes := bindings.NewFlotillaSettlement(), bindings.NewFlotillaStake()
	for _, param := range []struct {
		name string
		of   common.Address
		data []byte
		want uint64
	}{
		{"lane thaw", d.Settlement, settles.PackLaneThawSeconds(), seconds(p.LaneThaw)},
		{"epoch", d.Stake, stakes.PackEpochSeconds(), seconds(p.Epoch)},
		{"evidence window", d.Stake, stakes.PackEvidenceSeconds(), seconds(p.Evidence)},
		{"stake thaw", d.Stake, stakes.PackStakeThawSeconds(), seconds(p.StakeThaw)},
		{"least penalty", d.Stake, stakes.PackMinPenalty(), uint64(p.MinPenalty)},
	} {
		out, err := client.CallContract(ctx, ethereum.CallMsg{To: &param.of, Data: param.data}, nil)
		if err != nil {
			return fmt.Errorf("read %s: %w", param.name, err)
		}
		if have := new(big.Int).SetBytes(out); !have.IsUint64() || have.Uint64() != param.want {
			return fmt.Errorf("the contract at %s has a %s of %s, not %d: remove the chain's folder to deploy anew", param.of, param.name, have, param.want)
		}
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
