package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// maxReceiptFile bounds a receipt file that a stranger hands over.
const maxReceiptFile = settlement.MaxBundleBytes

type verifyCmd struct {
	Receipts []string `arg:"" optional:"" help:"Receipt files (from GET /v1/receipts/ID)." type:"existingfile"`
	All      string   `help:"Verify every *.json in this folder, and that each lane adds up." type:"existingdir" placeholder:"DIR"`
	RPC      string   `help:"JSON-RPC URL of the chain." env:"FLOTILLA_RPC" placeholder:"URL" required:""`
	Contract string   `help:"Settlement contract that you trust; without it, the one that the receipts name." env:"FLOTILLA_CONTRACT" placeholder:"ADDRESS"`
	JSON     bool     `help:"Print the report as JSON." name:"json"`
}

// Help is shown under the usage.
func (*verifyCmd) Help() string {
	return `Needs nothing of the gateway or the operator: signatures, price arithmetic and the routing decision come from the
file, the receipts root, stake and lane totals from the chain.

Exit status: 0 everything holds, 1 something is false, 2 something could not be checked (not settled yet, chain unreachable).`
}

// Run verifies and prints one line a check.
func (c *verifyCmd) Run(ctx context.Context, s *streams) error {
	files := c.Receipts
	if c.All != "" {
		found, err := filepath.Glob(filepath.Join(c.All, "*.json"))
		if err != nil {
			return fmt.Errorf("list receipts: %w", err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return &exitError{2, errors.New("no receipt given: name files, or a folder with --all")}
	}
	sort.Strings(files)
	bundles := make([]settlement.Bundle, len(files))
	for i, f := range files {
		b, err := readBundle(f)
		if err != nil {
			return &exitError{1, err}
		}
		bundles[i] = b
	}
	return verifyBundles(ctx, s.out, bundles, c.RPC, c.Contract, c.JSON)
}

func readBundle(file string) (settlement.Bundle, error) {
	f, err := os.Open(file)
	if err != nil {
		return settlement.Bundle{}, fmt.Errorf("open receipt: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxReceiptFile+1))
	if err != nil {
		return settlement.Bundle{}, fmt.Errorf("read %s: %w", file, err)
	}
	b, err := settlement.DecodeBundle(raw)
	if err != nil {
		return settlement.Bundle{}, fmt.Errorf("%s: %w", file, err)
	}
	return b, nil
}

func verifyBundles(ctx context.Context, out io.Writer, bundles []settlement.Bundle, rpc, contract string, asJSON bool) error {
	domain := bundles[0].Domain
	if contract != "" {
		if !common.IsHexAddress(contract) {
			return &exitError{2, fmt.Errorf("--contract %q is no address: want 0x and 40 hex digits", contract)}
		}
		domain.Contract = common.HexToAddress(contract)
	}
	chain, err := ethchain.New(ctx, ethchain.Config{RPC: rpc, Contract: domain.Contract, ChainID: domain.ChainID})
	if err != nil {
		return &exitError{2, fmt.Errorf("reach the chain: %w", err)}
	}
	defer func() { _ = chain.Close() }()
	reports := settlement.VerifyAll(ctx, bundles, chain, settlement.VerifyOptions{Domain: domain})
	var worst error
	for _, r := range reports {
		worst = worse(worst, r.Err())
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", " ")
		if err := enc.Encode(reports); err != nil {
			return fmt.Errorf("print report: %w", err)
		}
	} else {
		if contract == "" {
			fmt.Fprintf(out, "contract %s on chain %d, as the receipts name it; --contract insists on one\n", domain.Contract, domain.ChainID)
		}
		printReports(out, reports)
	}
	switch {
	case errors.Is(worst, settlement.ErrVerifyFailed):
		return &exitError{1, worst}
	case worst != nil:
		return &exitError{2, worst}
	}
	return nil
}

// worse keeps a failure over what could only not be checked.
func worse(a, b error) error {
	if a == nil || errors.Is(b, settlement.ErrVerifyFailed) {
		return b
	}
	return a
}

func printReports(out io.Writer, reports []settlement.Report) {
	for _, r := range reports {
		fmt.Fprintf(out, "receipt %s\n", r.ID)
		for _, c := range r.Checks {
			mark := "ok  "
			switch {
			case c.Skipped:
				mark = "??  "
			case !c.OK:
				mark = "FAIL"
			}
			fmt.Fprintf(out, "  %s %-22s %s\n", mark, c.Name, c.Evidence)
		}
	}
}
