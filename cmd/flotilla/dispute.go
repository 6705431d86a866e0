package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// disputeCmd brings provable faults of operators to the stake contract. Without a sub-command it is Now.
type disputeCmd struct {
	Now    disputeNowCmd    `cmd:"" default:"withargs" help:"Have the running node bring every fault that it has seen to the chain, and wait for it (the default)."`
	List   disputeListCmd   `cmd:"" help:"Show the faults that the running node has seen, and send nothing."`
	Ledger disputeLedgerCmd `cmd:"" help:"The same for the ledger of a node that is not running."`
	File   disputeFileCmd   `cmd:"" help:"Bring faults from files (as 'dispute list --json' prints them) to the chain, with any key."`
}

// Help is shown under the usage.
func (*disputeCmd) Help() string {
	return `A fault is a contradiction that an operator signed itself: a receipt above its own advertised price or outside its
validity, a receipt above the order it names, two receipts for one request, two prices under one number. The operator loses
ten times the harm (at least the contract's minimum); the harmed payer is repaid first, the reporter gets at most a fifth, at
least half is burned. 'flotilla claim' pays restitution and bounty out.

Exit status: 0 all faults are punished (or there is none), 1 one could not be.`
}

type disputeNowCmd struct {
	adminFlags
	JSON bool `help:"Print what was done as JSON." name:"json"`
}

// Run asks the node.
func (c *disputeNowCmd) Run(ctx context.Context, s *streams) error {
	var done []settlement.Dispute
	if err := c.call(ctx, http.MethodPost, "/dispute", nil, &done); err != nil {
		return err
	}
	return printDisputes(s.out, done, c.JSON)
}

type disputeListCmd struct {
	adminFlags
	JSON bool `help:"Print the evidence as JSON: what 'dispute file' reads." name:"json"`
}

// Run asks the node.
func (c *disputeListCmd) Run(ctx context.Context, s *streams) error {
	raw, err := c.ask(ctx, http.MethodGet, "/evidence")
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := s.out.Write(raw)
		return err
	}
	var found []settlement.StoredEvidence
	if err := readAnswer(raw, &found); err != nil {
		return err
	}
	for _, e := range found {
		state := "not punished yet"
		if e.Punished {
			state = "punished"
		}
		fmt.Fprintf(s.out, "%s  %-20s of %s, seen %s, %s\n", e.ID, e.Evidence.Fault, e.Evidence.Operator(), e.SeenAt.Format("2006-01-02 15:04:05"), state)
	}
	if len(found) == 0 {
		fmt.Fprintln(s.out, "no operator has contradicted itself")
	}
	return nil
}

type disputeLedgerCmd struct {
	accountFlags
	DataDir string `help:"The node's folder." env:"FLOTILLA_DATA_DIR" type:"existingdir" required:"" placeholder:"DIR"`
	JSON    bool   `help:"Print what was done as JSON." name:"json"`
}

// Run opens the ledger; a running node holds its lock.
func (c *disputeLedgerCmd) Run(ctx context.Context, s *streams) (err error) {
	key, err := c.load()
	if err != nil {
		return err
	}
	domain, err := c.domain()
	if err != nil {
		return err
	}
	ledger, err := settlement.OpenLedger(filepath.Join(c.DataDir, "ledger"), settlement.LedgerOptions{Key: key, Domain: domain, Logger: s.log})
	if err != nil {
		return fmt.Errorf("%w; if the node is running, use 'flotilla dispute'", err)
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	chain, _, err := c.open(ctx, key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chain.Close()) }()
	done, err := ledger.DisputeAll(ctx, chain, chain.Account())
	return errors.Join(printDisputes(s.out, done, c.JSON), err)
}

// maxEvidenceFile bounds a file of evidence that a stranger hands over.
const maxEvidenceFile = 16 << 20

type disputeFileCmd struct {
	accountFlags
	Files []string `arg:"" help:"Files of evidence." type:"existingfile"`
	JSON  bool     `help:"Print what was done as JSON." name:"json"`
}

// Run brings each file's evidence to the chain; the key's account gets the bounties.
func (c *disputeFileCmd) Run(ctx context.Context, s *streams) error {
	var all []settlement.StoredEvidence
	for _, file := range c.Files {
		found, err := readEvidence(file)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	return c.act(ctx, func(ctx context.Context, chain *ethchain.Chain) error {
		var done []settlement.Dispute
		var errs []error
		for _, e := range all {
			d, err := settlement.BringEvidence(ctx, chain, chain.Domain(), e.Evidence, chain.Account())
			if err != nil {
				errs = append(errs, err)
				continue
			}
			done = append(done, d)
		}
		return errors.Join(append(errs, printDisputes(s.out, done, c.JSON))...)
	})
}

func readEvidence(file string) ([]settlement.StoredEvidence, error) {
	raw, err := readBounded(file, maxEvidenceFile)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	var found []settlement.StoredEvidence
	if err := json.Unmarshal(raw, &found); err != nil {
		return nil, fmt.Errorf("read evidence from %s: %w; want what 'flotilla dispute list --json' prints", file, err)
	}
	return found, nil
}

func printDisputes(out io.Writer, done []settlement.Dispute, asJSON bool) error {
	if asJSON {
		if done == nil {
			done = []settlement.Dispute{}
		}
		enc := json.NewEncoder(out)
		enc.SetIndent("", " ")
		return enc.Encode(done)
	}
	for _, d := range done {
		fmt.Fprintf(out, "%s of %s\n  evidence %s\n", d.Fault, d.Operator, d.ID)
		if d.Tx == (common.Hash{}) {
			fmt.Fprintln(out, "  was punished before")
			continue
		}
		fmt.Fprintf(out, "  slashed %s in transaction %s\n", d.Slashed, d.Tx)
		if d.Harm > 0 {
			fmt.Fprintf(out, "  %s was harmed by %s\n", d.Payer, d.Harm)
		}
	}
	if len(done) == 0 {
		fmt.Fprintln(out, "nothing to dispute: no operator has contradicted itself")
	}
	return nil
}
