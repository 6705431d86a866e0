package settlement_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// The tests in this file kill a process with SIGKILL at every step between serving and settlement, one step a
// process: before and after each commit of the ledger (order stored, receipt accepted, batch half written, batch
// sealed, submitted, half of the inclusions stored, settled; receipt signed, voucher stored) and before and after a
// batch is sent. What the process had acknowledged must be there afterwards, and settle once.

// Set in the environment of a process that is to be killed.
const (
	killDir  = "FLOTILLA_TEST_KILL_DIR"
	killStep = "FLOTILLA_TEST_KILL_STEP"
)

// victim counts the steps of a process and kills it at one of them.
type victim struct {
	steps, dieAt int
}

func (v *victim) step() {
	if v.steps++; v.steps == v.dieAt {
		p, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = p.Kill()
		}
		panic(fmt.Sprintf("still alive: %v", err)) // the signal is on its way; do nothing more
	}
}

// hook is the ledger's commit hook.
func (v *victim) hook(settlement.CommitStage) error {
	v.step()
	return nil
}

// sentBatch is what a victim's chain has seen.
type sentBatch struct {
	Batch settlement.Batch
	Sig   settlement.Signature
}

// witnessedChain writes down every batch that is sent to it, for the chain of the next life.
type witnessedChain struct {
	settlement.Chain
	*victim
	path string
}

func (c witnessedChain) SubmitBatch(ctx context.Context, b settlement.Batch, sig settlement.Signature) (common.Hash, error) {
	c.step()
	line, err := json.Marshal(sentBatch{b, sig})
	if err != nil {
		return common.Hash{}, err
	}
	if err := os.WriteFile(c.path, line, 0o600); err != nil {
		return common.Hash{}, err
	}
	tx, err := c.Chain.SubmitBatch(ctx, b, sig)
	c.step()
	return tx, err
}

// killEverywhere runs the test of that name as a process that dies at its nth step, for every n, and calls survive with
// its directory and what it had printed before it died.
func killEverywhere(t *testing.T, name string, least int, survive func(t *testing.T, dir string, said []string)) {
	said, err := runVictim(t, name, t.TempDir(), 0)
	if err != nil || len(said) == 0 {
		t.Fatalf("life without a kill: %v, it said %q", err, said)
	}
	steps, err := strconv.Atoi(strings.TrimPrefix(said[len(said)-1], "steps "))
	if err != nil || steps < least {
		t.Fatalf("%d steps (%v), want at least %d: the test does not reach all of them", steps, err, least)
	}
	for n := 1; n <= steps; n++ {
		t.Run(fmt.Sprintf("step %d of %d", n, steps), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			said, err := runVictim(t, name, dir, n)
			if err == nil {
				t.Fatal("the process ended by itself")
			}
			survive(t, dir, said)
		})
	}
}

func runVictim(t *testing.T, name, dir string, step int) (said []string, err error) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^"+name+"$")
	child.Env = append(os.Environ(), killDir+"="+dir, killStep+"="+strconv.Itoa(step))
	out, err := child.Output()
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "said "); ok {
			said = append(said, text)
		}
	}
	return said, err
}

// asVictim says whether this process is one, and where it lives and dies.
func asVictim(t *testing.T) (v *victim, dir string, is bool) {
	t.Helper()
	dir = os.Getenv(killDir)
	if dir == "" {
		return nil, "", false
	}
	n, err := strconv.Atoi(os.Getenv(killStep))
	if err != nil {
		t.Fatal(err)
	}
	return &victim{dieAt: n}, dir, true
}

func say(format string, args ...any) { fmt.Printf("said "+format+"\n", args...) }

const killReceipts = 5

// killTodo is the same in every process: keys, orders and signatures are deterministic.
func killTodo(t *testing.T, f *fixture) []settlement.Bundle {
	var todo []settlement.Bundle
	for i := range killReceipts {
		todo = append(todo, f.served(t, i%2, f.opening(t, i%2), uint64(i+1)))
	}
	return todo
}

func TestGatewayKilledAtEachStep(t *testing.T) {
	if v, dir, is := asVictim(t); is {
		gatewayLife(t, v, dir)
		return
	}
	// 2 commits a receipt, sealed, submitted, 3 of inclusions, settled: before and after; the sending.
	killEverywhere(t, "TestGatewayKilledAtEachStep", 2*(2*killReceipts+6)+2, func(t *testing.T, dir string, said []string) {
		f := newFixture(t, 2)
		giveBatch(t, f, filepath.Join(dir, "sent"))
		l := f.open(t, f.gateway, filepath.Join(dir, "ledger"))
		for _, text := range said {
			id, err := settlement.ParseReceiptID(text)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := l.Receipt(id); err != nil || r.State < settlement.StatePending {
				t.Errorf("acknowledged receipt is %v: %v", r.State, err)
			}
		}
		if err := live(t, f, l, killTodo(t, f)); err != nil {
			t.Fatal(err)
		}
		checkSettledOnce(t, f, l, killReceipts)
		if v, _, err := l.Voucher(f.operators[0].addr); err != nil || v.ValueAggregate != 3*42 || v.ReceiptCount != 3 {
			t.Errorf("voucher for %v over %d receipts (%v), want 3", v.ValueAggregate, v.ReceiptCount, err)
		}
	})
}

// gatewayLife accepts receipts, acknowledges each on standard output, and settles them.
func gatewayLife(t *testing.T, v *victim, dir string) {
	f := newFixture(t, 2)
	l := f.open(t, f.gateway, filepath.Join(dir, "ledger"))
	l.SmallCommits(2)
	l.SetCommitHook(v.hook)
	for _, b := range killTodo(t, f) {
		recordAll(t, l, []settlement.Bundle{b})
		acc, err := l.AcceptReceipt(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		say("%s", acc.ID)
	}
	chain := witnessedChain{f.chain, v, filepath.Join(dir, "sent")}
	if err := settlement.NewSettler(l, chain, settlement.SettlerConfig{Poll: time.Millisecond}).SettleNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	say("steps %d", v.steps)
}

// giveBatch puts the batch that a victim has sent, if any, on this life's chain.
func giveBatch(t *testing.T, f *fixture, path string) {
	t.Helper()
	line, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	var sent sentBatch
	if err := errors.Join(err, json.NewDecoder(io.LimitReader(bytes.NewReader(line), 1<<20)).Decode(&sent)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.chain.SubmitBatch(t.Context(), sent.Batch, sent.Sig); err != nil {
		t.Fatal(err)
	}
}

func TestOperatorKilledAtEachStep(t *testing.T) {
	if v, dir, is := asVictim(t); is {
		f := newFixture(t, 1)
		l := f.open(t, f.operators[0], filepath.Join(dir, "ledger"))
		l.SetCommitHook(v.hook)
		operatorLife(t, f, l, 0, func(b settlement.Bundle) { say("%s %s", b.ID(), b.Receipt.Digest(testDomain)) })
		say("steps %d", v.steps)
		return
	}
	killEverywhere(t, "TestOperatorKilledAtEachStep", 2*2*killReceipts, func(t *testing.T, dir string, said []string) {
		f := newFixture(t, 1)
		l := f.open(t, f.operators[0], filepath.Join(dir, "ledger"))
		signed := make(map[string]string) // by order, what the first life has given out
		for _, text := range said {
			id, digest, _ := strings.Cut(text, " ")
			signed[id] = digest
		}
		// The second life serves the same orders with one token more: what is signed already must win.
		operatorLife(t, f, l, 1, func(b settlement.Bundle) {
			if was := signed[b.ID().String()]; was != "" && was != b.Receipt.Digest(testDomain).Hex() {
				t.Errorf("signed two receipts for order %s", b.ID())
			}
		})
		var sum settlement.Amount
		for r, err := range l.Receipts(settlement.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			sum += r.Bundle.Receipt.Amount
		}
		v, sig, err := l.HeldVoucher(f.gateway.addr)
		if err != nil || v.ValueAggregate != sum || v.ReceiptCount != killReceipts {
			t.Errorf("held voucher is for %v over %d receipts (%v), the receipts add up to %v", v.ValueAggregate, v.ReceiptCount, err, sum)
		}
		for range 2 { // twice pays once
			if _, err := f.chain.SettleVoucher(t.Context(), v, sig); err != nil {
				t.Fatal(err)
			}
		}
		if got := f.chain.Claim(f.operators[0].addr); got != sum {
			t.Errorf("collected %v, want %v", got, sum)
		}
	})
}

// operatorLife serves the orders, longer by so many tokens than the honest fixture, tells of every receipt that it has
// to give out, and stores the gateway's answer to it.
func operatorLife(t *testing.T, f *fixture, l *settlement.Ledger, longer uint32, gaveOut func(settlement.Bundle)) {
	t.Helper()
	var owed settlement.Amount
	for i := range killReceipts {
		b := f.unserved(t, f.opening(t, 0))
		b.Receipt.OutputTokens += 5 * longer // a base unit each
		b.Receipt.Amount += settlement.Amount(longer)
		served, err := l.RecordServed(t.Context(), b)
		if err != nil && !errors.Is(err, settlement.ErrReceiptReplayed) {
			t.Fatal(err)
		}
		gaveOut(served)
		owed += served.Receipt.Amount
		v := settlement.Voucher{Payer: f.gateway.addr, Payee: f.operators[0].addr, ValueAggregate: owed, ReceiptCount: uint64(i + 1)}
		_, err = l.AcceptSettlement(t.Context(), served.ID(), f.gateway.sign(t, served.Receipt.Digest(testDomain)), v, f.gateway.sign(t, v.Digest(testDomain)))
		if err != nil {
			t.Fatal(err)
		}
	}
}
