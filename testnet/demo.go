package testnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"flotilla/routing"
	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// demoPrompts are a dozen prompts as people send them; the last one names a model, which bypasses the router.
func demoPrompts() []demoPrompt {
	prompts := []string{
		"What is the capital of France?",
		"What is 17 + 25? Answer with the number only.",
		"Is a tomato a fruit or a vegetable? Answer in one sentence.",
		"Translate to French: good morning",
		"Write a Python function that returns the square of a number.",
		"The opposite of hot is",
		"Answer with the letter only. Which planet is known as the Red Planet? A) Venus B) Mars C) Jupiter D) Saturn",
		"Classify the sentiment as positive or negative: I loved this film, it was wonderful.",
		"Complete the sequence: 2, 4, 6, 8,",
		"Return a JSON object with the key \"name\" and the value \"Ada\".",
		"Explain in one sentence why the sky is blue.",
		"Sarah has 3 apples and buys 4 more. How many apples does she have now?",
	}
	var out []demoPrompt
	for _, p := range prompts {
		out = append(out, demoPrompt{autoModel, p})
	}
	return append(out, demoPrompt{"gemma-3-270m", "The first man on the moon was"})
}

type demoPrompt struct{ model, text string }

// autoModel leaves the choice to the gateway.
const autoModel = "auto"

const (
	demoMaxTokens = 48
	// demoAnswerShown is how much of each answer is printed.
	demoAnswerShown = 72
)

// Demo sends the prompts through the gateway's HTTP API, settles, verifies every receipt from its file and the chain
// alone, shows that a tampered receipt fails, and prints what each operator earned. It is nil only if all of that
// held. Receipt files are left in receiptsDir.
func Demo(ctx context.Context, n *Net, out io.Writer, receiptsDir string) error {
	c, err := newClient(n.URL(), n.APIKey())
	if err != nil {
		return err
	}
	ids, sum, err := demoChats(ctx, c, n.Operators(), out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d automatic answers cost %s at a mean predicted quality of %.2f;\n", sum.answers, sum.cost, sum.quality/float64(sum.answers))
	fmt.Fprintf(out, "always asking the best single model would have cost %s (%+.0f %%) at %.2f\n", sum.baseline, sum.difference(), sum.baselineQuality/float64(sum.answers))
	if err := demoDial(ctx, c, out); err != nil {
		return err
	}

	fmt.Fprintf(out, "\nsettling on chain …\n")
	if err := n.SettleNow(ctx); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	files, err := saveReceipts(ctx, c, ids, receiptsDir)
	if err != nil {
		return err
	}
	reader, err := ethchain.New(ctx, ethchain.Config{RPC: n.RPC(), Contract: n.Domain().Contract, ChainID: n.Domain().ChainID})
	if err != nil {
		return fmt.Errorf("open chain for reading: %w", err)
	}
	defer func() { _ = reader.Close() }()
	bundles, err := verifyFiles(ctx, reader, n.Domain(), files, out)
	if err != nil {
		return err
	}
	if err := tamper(ctx, reader, bundles, out); err != nil {
		return err
	}
	return printBalances(ctx, n, reader, bundles, out)
}

// demoSum adds up the answers that the router chose for.
type demoSum struct {
	answers                  int
	cost, baseline           settlement.Amount
	quality, baselineQuality float64 // sums of what was predicted
}

// difference of the baseline's cost to what was paid in percent; positive is dearer.
func (s demoSum) difference() float64 {
	if s.cost == 0 {
		return 0
	}
	return (float64(s.baseline)/float64(s.cost) - 1) * 100
}

func demoChats(ctx context.Context, c client, operators []OperatorSpec, out io.Writer) ([]string, demoSum, error) {
	var ids []string
	var sum demoSum
	for i, p := range demoPrompts() {
		a, err := c.chat(ctx, p.model, p.text, demoMaxTokens)
		if err != nil {
			return nil, sum, fmt.Errorf("prompt %d (%q): %w", i+1, p.text, err)
		}
		f := a.Usage.Flotilla
		if f.ReceiptID == "" || f.CostMicroUSD == 0 || a.Text == "" {
			return nil, sum, fmt.Errorf("prompt %d (%q): answer without text, cost or receipt: %+v", i+1, p.text, f)
		}
		fmt.Fprintf(out, "\n%2d  %s\n", i+1, p.text)
		fmt.Fprintf(out, "    ▸ %s\n", oneLine(a.Text))
		fmt.Fprintf(out, "    %s on %s (%.10s…) at %s/%s USD per Mtok in/out\n", f.Model, nameOf(operators, f.Operator), f.Operator, perMTok(f.InputPerMTok), perMTok(f.OutputPerMTok))
		fmt.Fprintf(out, "    why: %s\n", f.Why)
		fmt.Fprintf(out, "    predicted quality %.2f · %d + %d tokens, %d ms · cost %s\n    always-best: %s, predicted quality %.2f, %s\n", f.PredictedQuality,
			a.Usage.PromptTokens, a.Usage.CompletionTokens, a.Elapsed.Milliseconds(),
			settlement.Amount(f.CostMicroUSD), f.BaselineModel, f.BaselineQuality, settlement.Amount(f.BaselineMicroUSD))
		ids = append(ids, f.ReceiptID)
		if p.model == autoModel { // a model that was named is no saving of the router's
			sum.answers++
			sum.cost += settlement.Amount(f.CostMicroUSD)
			sum.baseline += settlement.Amount(f.BaselineMicroUSD)
			sum.quality += f.PredictedQuality
			sum.baselineQuality += f.BaselineQuality
		}
	}
	return ids, sum, nil
}

// demoDial shows what the dial is for: the automatic prompts at several of its positions, as dry runs.
func demoDial(ctx context.Context, c client, out io.Writer) error {
	fmt.Fprintf(out, "\nthe same prompts at other positions of the dial (dry runs):\ndial  predicted quality  expected cost  models\n")
	for _, dial := range []float64{routing.MinDial, routing.DefaultDial, 8, 9, routing.MaxDial} {
		quality, costMicroUSD, answers := 0.0, 0.0, 0
		by := map[routing.ModelID]int{}
		for i, p := range demoPrompts() {
			if p.model != autoModel {
				continue
			}
			d, err := c.route(ctx, p.text, demoMaxTokens, dial)
			if err != nil {
				return fmt.Errorf("dry run of prompt %d at dial %v: %w", i+1, dial, err)
			}
			quality, costMicroUSD, answers = quality+d.Pick.Quality, costMicroUSD+d.Pick.ExpectedCost, answers+1
			by[d.Pick.Model]++
		}
		var models []string
		for _, m := range slices.Sorted(maps.Keys(by)) {
			models = append(models, fmt.Sprintf("%s %d", m, by[m]))
		}
		fmt.Fprintf(out, "%4v  %17.2f  %9.6f USD  %s\n", dial, quality/float64(answers), costMicroUSD/1e6, strings.Join(models, ", "))
	}
	return nil
}

// nameOf finds the fleet's own name for an operator that the gateway names by its account.
func nameOf(operators []OperatorSpec, account string) string {
	for _, op := range operators {
		if strings.HasPrefix(account, strings.ToLower(DevAddress(op.Name).Hex())) {
			return op.Name
		}
	}
	return "a stranger"
}

func saveReceipts(ctx context.Context, c client, ids []string, dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make receipts folder: %w", err)
	}
	var files []string
	for _, id := range ids {
		raw, err := c.receipt(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("fetch receipt %s: %w", id, err)
		}
		file := filepath.Join(dir, id+".json")
		if err := os.WriteFile(file, raw, 0o644); err != nil {
			return nil, fmt.Errorf("save receipt: %w", err)
		}
		files = append(files, file)
	}
	return files, nil
}

// verifyFiles reads the files back and checks each against the chain: nothing of the gateway is asked.
func verifyFiles(ctx context.Context, chain settlement.ChainReader, domain settlement.Domain, files []string, out io.Writer) ([]settlement.Bundle, error) {
	bundles := make([]settlement.Bundle, len(files))
	for i, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read receipt: %w", err)
		}
		if bundles[i], err = settlement.DecodeBundle(raw); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
	}
	checks := 0
	for i, r := range settlement.VerifyAll(ctx, bundles, chain, settlement.VerifyOptions{Domain: domain}) {
		if err := r.Err(); err != nil {
			return nil, fmt.Errorf("verify receipt %d: %w", i+1, err)
		}
		checks += len(r.Checks)
	}
	fmt.Fprintf(out, "verified     %d receipts, %d checks, from %s and the chain alone: all hold\n", len(bundles), checks, filepath.Dir(files[0]))
	return bundles, nil
}

// tamper changes one receipt by one token and expects verification to fail.
func tamper(ctx context.Context, chain settlement.ChainReader, bundles []settlement.Bundle, out io.Writer) error {
	b := bundles[0]
	b.Receipt.OutputTokens++
	r := settlement.Verify(ctx, b, chain, settlement.VerifyOptions{Domain: b.Domain})
	if !errors.Is(r.Err(), settlement.ErrVerifyFailed) {
		return fmt.Errorf("a tampered receipt passed verification: %w", r.Err())
	}
	for _, c := range r.Checks {
		if !c.OK && !c.Skipped {
			fmt.Fprintf(out, "tampered     one output token added to receipt 1: refused, %s: %s\n", c.Name, c.Evidence)
			return nil
		}
	}
	return errors.New("a tampered receipt failed without a failing check")
}

// printBalances shows what each operator can claim, and holds it against the receipts.
func printBalances(ctx context.Context, n *Net, chain settlement.Chain, bundles []settlement.Bundle, out io.Writer) error {
	earned := make(map[string]settlement.Amount)
	for _, b := range bundles {
		earned[b.Receipt.Payee.Hex()] += b.Receipt.Amount
	}
	fmt.Fprintf(out, "\noperator  account                                     receipts of this run  claimable on chain\n")
	for _, op := range n.Operators() {
		addr := DevAddress(op.Name)
		claimable, err := chain.Claimable(ctx, addr)
		if err != nil {
			return fmt.Errorf("read balance of %s: %w", op.Name, err)
		}
		fmt.Fprintf(out, "%-9s %s  %20s  %18s\n", op.Name, addr, earned[addr.Hex()], claimable)
		if claimable < earned[addr.Hex()] {
			return fmt.Errorf("operator %s earned %s by receipts, the chain holds %s for it", op.Name, earned[addr.Hex()], claimable)
		}
	}
	return nil
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > demoAnswerShown {
		return string(r[:demoAnswerShown]) + "…"
	}
	return s
}

func perMTok(units uint64) string { return fmt.Sprintf("%.2f", float64(units)/1e6) }
