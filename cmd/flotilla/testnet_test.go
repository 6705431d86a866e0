package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"flotilla/node"
	"flotilla/testnet"
	"flotilla/testnet/devchain"
)

// A local fleet starts with what edits have made of its gateway's index, or they would be lost, and all later ones refused.
func TestALocalFleetKeepsItsIndex(t *testing.T) {
	dir := t.TempDir()
	edited := filepath.Join(testnet.GatewayDir(dir), node.IndexFileName)
	if err := os.MkdirAll(filepath.Dir(edited), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, edited, []byte("not an index"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing is fetched where the file is not read
	var stderr strings.Builder
	if status := run(ctx, []string{"testnet", "up", "--dir", dir, "--cache", t.TempDir()}, io.Discard, &stderr); status == 0 || !strings.Contains(stderr.String(), edited) {
		t.Errorf("status %d, said %q, want a word on %s", status, stderr.String(), edited)
	}
}

// An account that has nothing on a local fleet's chain can pay for a lane there once it was funded.
func TestFundedAccountsCanPay(t *testing.T) {
	f := newFleet(t)
	t.Setenv("FLOTILLA_PASSPHRASE", testPassphrase)
	const role = "second"
	f.writeKey(role)
	deposit := []string{"escrow", "deposit", testnet.DevAddress("alder").Hex(), "3", "--rpc", f.chain.URL(), "--contract", f.domain.Contract.Hex(), "--key", filepath.Join(f.dir, role+".key")}
	if status, out := f.command(deposit...); status != 1 {
		t.Fatalf("a deposit without money: %d\n%s", status, out)
	}
	if status, out := f.command("testnet", "fund", testnet.DevAddress(role).Hex(), "--rpc", f.chain.URL()); status != 0 || !strings.Contains(out, "1000.000000 USD") {
		t.Fatalf("fund: %d\n%s", status, out)
	}
	if status, out := f.command(deposit...); status != 0 || !strings.Contains(out, "escrow      3.000000 USD") {
		t.Fatalf("a deposit: %d\n%s", status, out)
	}
}

// All money comes from one account, and whoever asks at the same time has to take its next number.
func TestAccountsAreFundedAtOnce(t *testing.T) {
	f := newFleet(t)
	var group errgroup.Group
	for i := range 6 {
		group.Go(func() error {
			_, err := testnet.Fund(t.Context(), f.chain.URL(), testnet.DevAddress(fmt.Sprintf("guest %d", i)))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		who := testnet.DevAddress(fmt.Sprintf("guest %d", i))
		coins, err := f.chain.Client().BalanceAt(t.Context(), who, nil)
		if err != nil || coins.Sign() == 0 {
			t.Errorf("guest %d has %v coins, %v", i, coins, err)
		}
		tokens, err := f.reader.Balance(t.Context(), who)
		if err != nil || tokens == 0 {
			t.Errorf("guest %d has %v, %v", i, tokens, err)
		}
	}
}

// A second fleet in the folder of one that runs is told what to do.
func TestASecondFleetInOneFolderGetsAdvice(t *testing.T) {
	dir := t.TempDir()
	chain, err := devchain.Start(t.Context(), devchain.Config{DataDir: filepath.Join(dir, "chain")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = chain.Close() }()
	second, err := devchain.Start(t.Context(), devchain.Config{DataDir: filepath.Join(dir, "chain")})
	if err == nil {
		_ = second.Close()
		t.Fatal("two chains in one folder")
	}
	if said := advice(fmt.Errorf("start: %w", err)); !strings.Contains(said, "--dir") {
		t.Errorf("%v: advice %q", err, said)
	}
}

// A chain without the testnet's contracts is none of its.
func TestFundOnAnotherChain(t *testing.T) {
	chain, err := devchain.Start(t.Context(), devchain.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = chain.Close() }()
	if _, err := testnet.Fund(t.Context(), chain.URL(), testnet.DevAddress("alder")); err == nil || !strings.Contains(err.Error(), "no chain of 'flotilla testnet up'") {
		t.Errorf("error %v", err)
	}
}

// Two demos in one folder: the second says so, and leaves what the first has there.
func TestDemosKeepApart(t *testing.T) {
	first := demoCmd{Dir: filepath.Join(t.TempDir(), "demo")}
	release, err := first.clear()
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(first.Dir, "receipt.json")
	write(t, kept, []byte("{}"))
	var stderr strings.Builder
	if status := run(t.Context(), []string{"demo", "--dir", first.Dir}, io.Discard, &stderr); status == 0 || !strings.Contains(stderr.String(), "another demo runs in "+first.Dir) {
		t.Errorf("status %d, said %q", status, stderr.String())
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("the second cleared what the first has: %v", err)
	}
	release()
	release, err = first.clear()
	if err != nil {
		t.Fatal(err)
	}
	release()
	if _, err := os.Stat(kept); err == nil {
		t.Error("an earlier run's receipts are still there")
	}
}
