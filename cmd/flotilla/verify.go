package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"syscall"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// maxVerifyFile bounds a file that a stranger hands over; batches are the larger kind.
const maxVerifyFile = settlement.MaxBatchBundleBytes

type verifyCmd struct {
	Files     []string    `arg:"" optional:"" help:"Receipt files (from GET /v1/receipts/ID) and batch files (from 'flotilla settle batch')." type:"path" name:"file"`
	All       string      `help:"Verify every *.json in this folder, and that each lane adds up." type:"existingdir" placeholder:"DIR"`
	RPC       string      `help:"JSON-RPC URL of the chain." env:"FLOTILLA_RPC" placeholder:"URL" required:""`
	Contract  string      `help:"Settlement contract that you trust; without it, the one that the files name." env:"FLOTILLA_CONTRACT" placeholder:"ADDRESS"`
	FromBlock uint64      `help:"Block of the contract's deployment: where the search for a batch ends." env:"FLOTILLA_FROM_BLOCK" default:"0"`
	Index     []string    `help:"Index files that decisions may have been made with, beside the one in the binary." type:"existingfile" placeholder:"FILE"`
	IndexDir  string      `help:"Folder that what --gateway sends is kept in, and looked for first: a run that was interrupted goes on there." name:"index-dir" type:"path" placeholder:"DIR"`
	Gateway   []serverURL `help:"URL of the gateway that gave the receipts, or of each of several: asked for an index that is not at hand. It is believed in nothing: an index is checked by the id that the decision names." env:"FLOTILLA_GATEWAY" sep:"none" placeholder:"URL"`
	APIKey    string      `help:"API key that the receipts are of; with --gateway." name:"api-key" env:"FLOTILLA_API_KEY" placeholder:"KEY"`
	Prompt    string      `help:"The request of the one receipt given, as it was sent (JSON), or its prompt: embedded again and compared." type:"existingfile" placeholder:"FILE"`
	JSON      bool        `help:"Print the report as JSON." name:"json"`
}

// Help is shown under the usage.
func (*verifyCmd) Help() string {
	return `Needs to believe neither the gateway nor the operator: signatures, price arithmetic and the routing decision come from the
file, receipts roots (from the contract's events), stake and lane totals from the chain. The routing decision is made
again from its record and the index it names, and must come out the same bit for bit. An index that was edited since is
not built in: --gateway fetches it, or --index names its file. A gateway sends twenty at once and then one a minute, which
is waited for; --index-dir keeps them.

Exit status: 0 everything holds, 1 something is false, 2 nothing is false, but something could not be checked (not settled
yet, chain unreachable, the index of that generation not at hand, a file that is no receipt), or the command line is wrong.`
}

// verifiable is what the files hold.
type verifiable struct {
	receipts []settlement.Bundle
	batches  []settlement.BatchBundle
	unread   []error // of files that are neither
}

// domain is the deployment that the first file names.
func (v verifiable) domain() settlement.Domain {
	if len(v.receipts) > 0 {
		return v.receipts[0].Domain
	}
	return v.batches[0].Domain
}

// Run verifies and prints one line a check.
func (c *verifyCmd) Run(ctx context.Context, s *streams) error {
	files := c.Files
	if c.All != "" {
		found, err := os.ReadDir(c.All) // a pattern would read a folder such as "receipts[1]" as one of another name
		if err != nil {
			return &exitError{2, fmt.Errorf("list files: %w", err)}
		}
		for _, f := range found {
			if filepath.Ext(f.Name()) == ".json" {
				files = append(files, filepath.Join(c.All, f.Name()))
			}
		}
	}
	if len(files) == 0 {
		return &exitError{2, errors.New("no receipt given: name files, or a folder with --all")}
	}
	sort.Strings(files)
	var v verifiable
	for _, f := range files {
		if err := v.read(f); err != nil {
			v.unread = append(v.unread, err)
		}
	}
	if len(v.receipts)+len(v.batches) == 0 {
		return &exitError{2, errors.Join(v.unread...)}
	}
	for _, err := range v.unread {
		fmt.Fprintln(s.err, plain(err.Error()))
	}
	return c.verify(ctx, s, v)
}

// read adds what is in a file.
func (v *verifiable) read(file string) error {
	raw, err := readBounded(file, maxVerifyFile)
	if errors.Is(err, syscall.EISDIR) {
		return fmt.Errorf("%s is a folder: verify all that is in it with --all %[1]s", file)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if err := v.add(raw); err != nil {
		return fmt.Errorf("%s is no receipt or batch file, which GET /v1/receipts/ID and 'flotilla settle batch' give: %w", file, err)
	}
	return nil
}

// add adds the receipt or the batch that a file holds.
func (v *verifiable) add(raw []byte) error {
	var kind struct {
		Batch json.RawMessage `json:"batch"`
	}
	if json.Unmarshal(raw, &kind) == nil && kind.Batch != nil {
		b, err := settlement.DecodeBatchBundle(raw)
		if err != nil {
			return err
		}
		v.batches = append(v.batches, b)
		return nil
	}
	b, err := settlement.DecodeBundle(raw)
	if err != nil {
		return err
	}
	v.receipts = append(v.receipts, b)
	return nil
}

func (c *verifyCmd) verify(ctx context.Context, s *streams, v verifiable) error {
	bar := newProgressBar(s.err)
	decisions, err := c.newReplayer(len(v.receipts), bar.above(s.err))
	if err != nil {
		return &exitError{2, err}
	}
	domain := v.domain()
	if c.Contract != "" {
		if !common.IsHexAddress(c.Contract) {
			return &exitError{2, fmt.Errorf("--contract %q is no address: want 0x and 40 hex digits", c.Contract)}
		}
		domain.Contract = common.HexToAddress(c.Contract)
	}
	chain, err := ethchain.New(ctx, ethchain.Config{RPC: c.RPC, Contract: domain.Contract, ChainID: domain.ChainID, FromBlock: c.FromBlock})
	if err != nil {
		return &exitError{2, fmt.Errorf("reach the chain: %w", err)}
	}
	defer func() { _ = chain.Close() }()
	opts := settlement.VerifyOptions{Domain: domain}
	reports := settlement.VerifyAll(ctx, v.receipts, chain, opts)
	decisions.checkAll(ctx, v.receipts, reports, bar)
	for _, b := range v.batches {
		reports = append(reports, settlement.VerifyBatch(ctx, b, chain, opts))
	}
	if err := c.print(s.out, domain, reports); err != nil {
		return &exitError{2, err} // 1 would say that something is false
	}
	return outcome(reports, v.unread)
}

// outcome is nil where everything holds, and else says what is wrong with how many, and with which first.
func outcome(reports []settlement.Report, unread []error) error {
	var found, unchecked []error
	for _, r := range reports {
		switch err := r.Err(); {
		case errors.Is(err, settlement.ErrVerifyFailed):
			found = append(found, err)
		case err != nil:
			unchecked = append(unchecked, err)
		}
	}
	unchecked = append(unchecked, unread...)
	all := append(slices.Clone(found), unchecked...)
	if len(all) == 0 {
		return nil
	}
	status := 2
	if len(found) > 0 {
		status = 1
	}
	if n := len(reports) + len(unread); n > 1 {
		return &exitError{status, fmt.Errorf("of %d files %d hold, %d are false, %d could not be checked, the first: %w", n, n-len(all), len(found), len(unchecked), all[0])}
	}
	return &exitError{status, all[0]}
}

func (c *verifyCmd) print(out io.Writer, domain settlement.Domain, reports []settlement.Report) error {
	if c.JSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", " ")
		if err := enc.Encode(reports); err != nil {
			return fmt.Errorf("print report: %w", err)
		}
		return nil
	}
	if c.Contract == "" {
		fmt.Fprintf(out, "contract %s on chain %d, as the files name it; --contract insists on one\n", domain.Contract, domain.ChainID)
	}
	printReports(out, reports)
	return nil
}

func printReports(out io.Writer, reports []settlement.Report) {
	for _, r := range reports {
		fmt.Fprintln(out, r.Subject())
		for _, c := range r.Checks {
			mark := "ok  "
			switch {
			case c.Skipped:
				mark = "??  "
			case !c.OK:
				mark = "FAIL"
			}
			fmt.Fprintf(out, "  %s %-22s %s\n", mark, c.Name, plain(c.Evidence))
		}
	}
}
