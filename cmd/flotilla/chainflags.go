package main

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// chainFlags name the settlement contract.
type chainFlags struct {
	RPC       string        `help:"JSON-RPC URL of the chain." env:"FLOTILLA_RPC" placeholder:"URL" required:""`
	Contract  string        `help:"Address of the settlement contract." env:"FLOTILLA_CONTRACT" placeholder:"ADDRESS" required:""`
	ChainID   uint64        `help:"Chain id that the RPC must have; signatures are bound to it." env:"FLOTILLA_CHAIN_ID" default:"1337"`
	FromBlock uint64        `help:"Block of the contract's deployment: where the scan for operators starts." env:"FLOTILLA_FROM_BLOCK" default:"0"`
	ChainPoll time.Duration `help:"How often stakes and lanes are read from the chain." env:"FLOTILLA_CHAIN_POLL" default:"15s"`
}

func (c chainFlags) open(ctx context.Context, key *ecdsa.PrivateKey) (*ethchain.Chain, settlement.Domain, error) {
	if !common.IsHexAddress(c.Contract) {
		return nil, settlement.Domain{}, fmt.Errorf("--contract %q is no address: want 0x and 40 hex digits", c.Contract)
	}
	d := settlement.Domain{ChainID: c.ChainID, Contract: common.HexToAddress(c.Contract)}
	chain, err := ethchain.New(ctx, ethchain.Config{RPC: c.RPC, Contract: d.Contract, ChainID: d.ChainID, Key: key, FromBlock: c.FromBlock})
	if err != nil {
		return nil, d, fmt.Errorf("open chain: %w", err)
	}
	return chain, d, nil
}

// fleetFlags say how to meet the other nodes.
type fleetFlags struct {
	DataDir   string   `help:"Folder for the ledger, identity and known peers; one node each." env:"FLOTILLA_DATA_DIR" type:"path" required:"" placeholder:"DIR"`
	Bootstrap []string `help:"Multiaddrs of nodes to join by (a gateway prints its own)." env:"FLOTILLA_BOOTSTRAP" placeholder:"ADDR"`
}
