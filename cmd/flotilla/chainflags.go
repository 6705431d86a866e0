package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/trouble"
	"flotilla/node"
	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// chainFlags name the settlement contract and what a transaction to it may cost.
type chainFlags struct {
	RPC         string `help:"JSON-RPC URL of the chain." env:"FLOTILLA_RPC" placeholder:"URL" required:""`
	Contract    string `help:"Address of the settlement contract." env:"FLOTILLA_CONTRACT" placeholder:"ADDRESS" required:""`
	ChainID     uint64 `help:"Chain id that the RPC must have; signatures are bound to it." env:"FLOTILLA_CHAIN_ID" default:"1337"`
	FromBlock   uint64 `help:"Block of the contract's deployment: where scans for events start." env:"FLOTILLA_FROM_BLOCK" default:"0"`
	MaxFeeGwei  uint64 `help:"Most that a unit of gas may cost; a dearer transaction waits." env:"FLOTILLA_MAX_FEE_GWEI" default:"200"`
	NativePrice usd    `help:"Dollars that the chain's own coin costs, to weigh gas against what is to be settled; 0 where gas costs nothing." env:"FLOTILLA_NATIVE_PRICE" default:"0"`
}

// weiPerGwei is the usual unit of gas prices in that of the chain.
const weiPerGwei = 1_000_000_000

func (c chainFlags) domain() (settlement.Domain, error) {
	if !common.IsHexAddress(c.Contract) {
		return settlement.Domain{}, fmt.Errorf("--contract %q is no address: want 0x and 40 hex digits", c.Contract)
	}
	return settlement.Domain{ChainID: c.ChainID, Contract: common.HexToAddress(c.Contract)}, nil
}

// open connects; a nil key gives a chain that only reads.
func (c chainFlags) open(ctx context.Context, key *ecdsa.PrivateKey) (*ethchain.Chain, settlement.Domain, error) {
	d, err := c.domain()
	if err != nil {
		return nil, d, err
	}
	chain, err := ethchain.New(ctx, ethchain.Config{
		RPC: c.RPC, Contract: d.Contract, ChainID: d.ChainID, Key: key, FromBlock: c.FromBlock,
		MaxFeePerGas: new(big.Int).Mul(new(big.Int).SetUint64(c.MaxFeeGwei), big.NewInt(weiPerGwei)), NativePrice: settlement.Amount(c.NativePrice),
	})
	if err != nil {
		return nil, d, fmt.Errorf("%w (--rpc, --contract and --chain-id say which chain and contract)", err)
	}
	return chain, d, nil
}

// chainAgain is how often a node that starts asks a chain node again that gives no answer.
const chainAgain = 5 * time.Second

// await is open for what runs on: it waits for a chain node that gives no answer, as one that starts later than this process does. Where that
// is another chain than it should be, or none, waiting would not help.
func (c chainFlags) await(ctx context.Context, key *ecdsa.PrivateKey, log *slog.Logger) (*ethchain.Chain, settlement.Domain, error) {
	if _, err := c.domain(); err != nil {
		return nil, settlement.Domain{}, err
	}
	var away trouble.Trouble
	for {
		chain, d, err := c.open(ctx, key)
		for _, wrong := range []error{ethchain.ErrWrongChain, ethchain.ErrNoContract, ethchain.ErrNotSettlement, ethchain.ErrNoURL} {
			if errors.Is(err, wrong) {
				return nil, d, err
			}
		}
		if ctx.Err() != nil {
			return nil, d, ctx.Err()
		}
		away.Note(log, err, "the chain's node gives no answer: nothing is served until it does", "the chain's node answers")
		if err == nil {
			return chain, d, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(chainAgain):
		}
	}
}

// runAndClose serves until ctx ends.
func runAndClose(ctx context.Context, n *node.Node) error { return errors.Join(n.Run(ctx), n.Close()) }

// fleetFlags say how to meet the other nodes.
type fleetFlags struct {
	AdminListen string        `help:"Loopback host:port of the pages for the node's owner (state, evidence, metrics; see 'flotilla settle'); none when empty." env:"FLOTILLA_ADMIN_LISTEN" placeholder:"HOST:PORT"`
	ChainPoll   time.Duration `help:"How often stakes and lanes are read from the chain." env:"FLOTILLA_CHAIN_POLL" default:"15s" positive:""`
	DataDir     string        `help:"Folder for the ledger, identity and known peers; one node each." env:"FLOTILLA_DATA_DIR" type:"path" required:"" placeholder:"DIR"`
	Bootstrap   []string      `help:"Multiaddrs of nodes to join by (a gateway prints its own)." env:"FLOTILLA_BOOTSTRAP" placeholder:"ADDR"`
}
