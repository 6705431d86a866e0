package testnet

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/devchain"
)

// Roles with money beside the operators of the fleet. The spare is for a person who wants to join with another operator.
const (
	roleDeployer = "deployer"
	roleGateway  = "gateway"
	roleSpare    = "spare"
)

// tokensEach is what every account gets of the test token: 1,000 USD that exist nowhere else.
const tokensEach settlement.Amount = 1_000_000_000

// Chain is the fleet's development chain with the contracts on it.
type Chain struct {
	*devchain.Chain
	domain settlement.Domain
}

func startChain(ctx context.Context, cfg Config) (*Chain, error) {
	roles := []string{roleDeployer, roleGateway, roleSpare}
	for _, op := range cfg.Operators {
		roles = append(roles, op.Name)
	}
	alloc := make(map[common.Address]*big.Int)
	var holders []common.Address
	for _, r := range roles {
		alloc[DevAddress(r)] = new(big.Int).Mul(big.NewInt(1000), big.NewInt(1e18))
		if r != roleDeployer {
			holders = append(holders, DevAddress(r))
		}
	}
	c, err := devchain.Start(ctx, devchain.Config{
		DataDir: filepath.Join(cfg.Dir, "chain"), Port: cfg.RPCPort, BlockGap: cfg.BlockEvery, Alloc: alloc, Logger: cfg.Logger.With("node", "chain"),
	})
	if err != nil {
		return nil, err
	}
	domain, err := Deploy(ctx, c, holders)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &Chain{c, domain}, nil
}

// Deploy puts the contracts on the chain and gives every holder tokens, once: on a chain that has them already it
// only looks. A crash in between leaves holders without tokens, which the next call makes good.
func Deploy(ctx context.Context, c *devchain.Chain, holders []common.Address) (settlement.Domain, error) {
	client, key := c.Client(), DevKey(roleDeployer)
	defer client.Close()
	d, err := devchain.Deploy(ctx, client, key, devchain.DefaultParams())
	if err != nil {
		return settlement.Domain{}, fmt.Errorf("deploy contracts: %w", err)
	}
	domain := settlement.Domain{ChainID: devchain.ChainID, Contract: d.Settlement}
	reader, err := ethchain.New(ctx, ethchain.Config{Client: client, Contract: d.Settlement, ChainID: devchain.ChainID})
	if err != nil {
		return settlement.Domain{}, fmt.Errorf("open contracts: %w", err)
	}
	for _, h := range holders {
		touched, err := hasTokens(ctx, reader, h)
		if err != nil {
			return settlement.Domain{}, err
		}
		if touched {
			continue
		}
		if err := devchain.Mint(ctx, client, key, d.Token, h, tokensEach); err != nil {
			return settlement.Domain{}, fmt.Errorf("mint tokens for %s: %w", h, err)
		}
	}
	return domain, nil
}

func hasTokens(ctx context.Context, c *ethchain.Chain, who common.Address) (bool, error) {
	have, err := c.Balance(ctx, who)
	if err != nil {
		return false, fmt.Errorf("read balance: %w", err)
	}
	return have > 0, nil
}

// Domain names the chain and the contract.
func (c *Chain) Domain() settlement.Domain { return c.domain }

// client opens the contract for one account, over JSON-RPC as a node elsewhere would.
func (c *Chain) client(ctx context.Context, key *ecdsa.PrivateKey) (*ethchain.Chain, error) {
	ch, err := ethchain.New(ctx, ethchain.Config{RPC: c.URL(), Contract: c.domain.Contract, ChainID: c.domain.ChainID, Key: key})
	if err != nil {
		return nil, fmt.Errorf("open chain: %w", err)
	}
	return ch, nil
}
