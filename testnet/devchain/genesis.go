package devchain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
)

// genesisFile stands beside the chain: a node refuses to open a chain with another first block.
const genesisFile = "genesis.json"

// blockGasLimit leaves room for a batch of 512 lanes several times over.
const blockGasLimit = 60_000_000

// loadGenesis returns the first block of the chain in cfg.DataDir, or writes that of a new chain. The
// file is written before the chain: a crash in between leaves a file that the next start uses.
func loadGenesis(cfg Config) (*core.Genesis, error) {
	if cfg.DataDir == "" {
		return newGenesis(cfg), nil
	}
	path := filepath.Join(cfg.DataDir, genesisFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return writeGenesis(path, newGenesis(cfg))
	}
	if err != nil {
		return nil, fmt.Errorf("read first block: %w", err)
	}
	genesis := new(core.Genesis)
	if err := json.Unmarshal(raw, genesis); err != nil {
		return nil, fmt.Errorf("decode %s: %w; remove %s to start a new chain", path, err, cfg.DataDir)
	}
	for account := range cfg.Alloc {
		if _, ok := genesis.Alloc[account]; !ok {
			return nil, fmt.Errorf("account %s has no money in the chain of %s; remove that folder to start a new chain", account, cfg.DataDir)
		}
	}
	return genesis, nil
}

func newGenesis(cfg Config) *core.Genesis {
	genesis := core.DeveloperGenesisBlock(blockGasLimit, nil)
	// The library's development chain turns on unreleased forks, in which a plain call costs three times
	// the gas of today's networks.
	config := *genesis.Config
	config.AmsterdamTime, config.BogotaTime = nil, nil
	genesis.Config = &config
	for account, wei := range cfg.Alloc {
		genesis.Alloc[account] = types.Account{Balance: wei}
	}
	return genesis
}

// writeGenesis writes through a temporary name, so that a crash never leaves half a file.
func writeGenesis(path string, genesis *core.Genesis) (*core.Genesis, error) {
	raw, err := json.Marshal(genesis)
	if err != nil {
		return nil, fmt.Errorf("encode first block: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make chain folder: %w", err)
	}
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return nil, fmt.Errorf("write first block: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, fmt.Errorf("write first block: %w", err)
	}
	return genesis, nil
}
