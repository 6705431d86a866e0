// Package ethchain talks to the FlotillaSettlement and FlotillaStake contracts on an EVM chain. Its Chain implements
// settlement.Chain, and has what an operator, a payer and a gateway do with the contract besides.
package ethchain

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
)

// Chain is the settlement contract on a chain. It is safe for concurrent use.
type Chain struct {
	client     *ethclient.Client
	ownClient  bool
	domain     settlement.Domain
	contract   *bindings.FlotillaSettlement
	stakeAt    common.Address
	stake      *bindings.FlotillaStake
	token      common.Address
	laneThaw   time.Duration
	erc20      *bindings.TestToken // only for what every ERC-20 has
	sender     *Sender             // nil: read only
	operators  operatorScan
	scanBlocks uint64 // see the constant
	origin     origin
	maxFee     *big.Int          // wei for a unit of gas
	price      settlement.Amount // of one whole coin of the chain; 0: gas costs nothing
}

var _ settlement.Chain = (*Chain)(nil)

// New connects and checks that the node is on the right chain and that the address holds a Flotilla
// contract of this version. ErrWrongChain, ErrNoContract and ErrNotSettlement tell what is wrong.
func New(ctx context.Context, cfg Config) (*Chain, error) {
	cfg = cfg.withDefaults()
	c := &Chain{
		client:     cfg.Client,
		domain:     settlement.Domain{ChainID: cfg.ChainID, Contract: cfg.Contract},
		contract:   bindings.NewFlotillaSettlement(),
		stake:      bindings.NewFlotillaStake(),
		erc20:      bindings.NewTestToken(),
		scanBlocks: scanBlocks,
	}
	if c.client == nil {
		if cfg.RPC == "" {
			return nil, errors.New("open chain: no node given: set Client or RPC")
		}
		client, err := dial(ctx, cfg.RPC)
		if err != nil {
			return nil, fmt.Errorf("open chain: %w", err)
		}
		c.client, c.ownClient = client, true
	}
	if err := c.open(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("open chain: %w", err), c.Close())
	}
	return c, nil
}

func (c *Chain) open(ctx context.Context, cfg Config) error {
	if err := c.check(ctx); err != nil {
		return err
	}
	token, err := read(ctx, c, c.contract.PackToken(), c.contract.UnpackToken)
	if err != nil {
		return fmt.Errorf("read settlement token: %w", err)
	}
	c.token = token
	if c.stakeAt, err = read(ctx, c, c.contract.PackStakes(), c.contract.UnpackStakes); err != nil {
		return fmt.Errorf("read stake contract: %w", err)
	}
	thaw, err := read(ctx, c, c.contract.PackLaneThawSeconds(), c.contract.UnpackLaneThawSeconds)
	if err != nil {
		return fmt.Errorf("read lane thaw: %w", err)
	}
	c.laneThaw = time.Duration(thaw) * time.Second // ten years at most
	c.operators = operatorScan{next: cfg.FromBlock, start: cfg.FromBlock, most: maxOperators, seen: map[common.Address]settlement.Amount{}}
	c.maxFee, c.price = cfg.MaxFeePerGas, cfg.NativePrice
	if cfg.Key != nil {
		c.sender = newSender(c.client, cfg, c.sameChain)
	}
	return nil
}

// check makes sure that signatures for c.domain are what this contract on this chain accepts.
func (c *Chain) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	id, err := c.client.ChainID(ctx)
	if err != nil {
		return fmt.Errorf("ask for the chain id: %w", err)
	}
	if !id.IsUint64() || id.Uint64() != c.domain.ChainID {
		return fmt.Errorf("%w: the node is on chain %s, expected %d", ErrWrongChain, id, c.domain.ChainID)
	}
	if err := c.findOrigin(ctx); err != nil {
		return err
	}
	code, err := c.client.CodeAt(ctx, c.domain.Contract, nil)
	if err != nil {
		return fmt.Errorf("read contract code: %w", err)
	}
	if len(code) == 0 {
		return fmt.Errorf("%w %s of chain %s", ErrNoContract, c.domain.Contract, id)
	}
	separator, err := read(ctx, c, c.contract.PackDomainSeparator(), c.contract.UnpackDomainSeparator)
	if errors.Is(err, ErrReverted) || errors.Is(err, ErrNoContract) || errors.Is(err, errNotDecoded) { // else the node's own
		return fmt.Errorf("%w: %s does not answer as one: %v", ErrNotSettlement, c.domain.Contract, err)
	}
	if err != nil {
		return fmt.Errorf("read EIP-712 domain of %s: %w", c.domain.Contract, err)
	}
	if separator != c.domain.Separator() {
		return fmt.Errorf("%w: %s has another EIP-712 domain", ErrNotSettlement, c.domain.Contract)
	}
	return nil
}

// Close closes the connection that New dialled.
func (c *Chain) Close() error {
	if c.ownClient {
		c.client.Close()
	}
	return nil
}

// Domain returns the EIP-712 domain that messages for this contract are signed under.
func (c *Chain) Domain() settlement.Domain { return c.domain }

// LaneThaw implements settlement.Chain.
func (c *Chain) LaneThaw() time.Duration { return c.laneThaw }

// Account returns the address that pays for transactions; zero for a Chain that only reads.
func (c *Chain) Account() common.Address {
	if c.sender == nil {
		return common.Address{}
	}
	return c.sender.Account()
}

// read calls a view of the settlement contract at the newest block.
func read[T any](ctx context.Context, c *Chain, data []byte, unpack func([]byte) (T, error)) (T, error) {
	return readAt(ctx, c, c.domain.Contract, data, unpack)
}

// readAt calls a view of a contract, and makes sure that the answer is from the chain that New found.
func readAt[T any](ctx context.Context, c *Chain, to common.Address, data []byte, unpack func([]byte) (T, error)) (T, error) {
	var zero T
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, callErr := c.client.CallContract(ctx, ethereum.CallMsg{To: &to, Data: data}, nil)
	if err := c.sameChain(ctx); err != nil {
		return zero, err
	}
	if callErr != nil {
		return zero, decodeRevert(callErr)
	}
	if len(out) == 0 { // every view answers something
		return zero, fmt.Errorf("%w: %w %s any more", settlement.ErrChainReset, ErrNoContract, to)
	}
	value, err := unpack(out)
	if err != nil {
		return zero, fmt.Errorf("%w of %s: %w", errNotDecoded, to, err)
	}
	return value, nil
}

// errNotDecoded: a contract answers something else than it should.
var errNotDecoded = errors.New("decode answer")

// AddressOf returns the account of key.
func AddressOf(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }
