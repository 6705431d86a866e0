package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"flotilla/settlement"
	"flotilla/testnet"
)

// startNode starts one more node of alder's account, with an identity and a ledger of its own. It returns its administration URL.
func (f *fleet) startNode(name, backendURL string) (*process, string) {
	f.t.Helper()
	if err := testnet.WriteKeyFile(filepath.Join(f.dir, name+".key"), "alder", testPassphrase); err != nil {
		f.t.Fatal(err)
	}
	admin := "127.0.0.1:" + strconv.Itoa(freePort(f.t))
	return f.start(name, "operator", "--backend", backendURL, "--price", "*=10/20", "--stake", "50", "--admin-listen", admin,
		"--bootstrap", f.boot, "--chain-poll", "300ms", "--advert-every", "1m"), "http://" + admin
}

// settleStatus is what 'flotilla settle status' prints of a node.
func settleStatus(t *testing.T, admin string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "settle", "status", "--admin", admin)
	cmd.Env = append(os.Environ(), asFlotilla+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("settle status: %v: %s", err, out)
	}
	return string(bytes.TrimSpace(out))
}

// Two nodes of one account, each with a ledger of its own, are both paid in full by an honest gateway, also what a node served that was
// killed in the middle of its answers; and both tell their operator of the other.
func TestTwoNodesOfOneAccount(t *testing.T) {
	f := newFleet(t)
	f.startGateway("--settle-every", "1s")
	model := newModelServer(t, 20, -1)
	first, firstAdmin := f.startNode("alder1", model.URL)
	_, secondAdmin := f.startNode("alder2", model.URL)
	f.waitServing(2)
	by := map[string]int{}
	var mu sync.Mutex // guards by
	ask := func(each int) {
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for range each {
					a := f.chat("hello")
					mu.Lock()
					by[a.operator]++
					mu.Unlock()
				}
			})
		}
		clients.Wait()
	}
	ask(5)
	if len(by) != 2 {
		t.Errorf("served by %v, want both nodes", by)
	}
	for _, admin := range []string{firstAdmin, secondAdmin} {
		f.eventually("the other node is shown", func() error {
			if out := settleStatus(t, admin); !strings.Contains(out, "another node serves under this account") {
				return fmt.Errorf("%s", out)
			}
			return nil
		})
	}
	go first.kill()
	ask(5)
	f.startNode("alder1", model.URL)
	ask(5)
	f.paidInFull(t)
}

// paidInFull waits until all receipts are on chain and alder is credited with their sum.
func (f *fleet) paidInFull(t *testing.T) {
	t.Helper()
	alder := testnet.DevAddress("alder")
	f.eventually("the account is paid what its receipts add up to", func() error {
		var owed settlement.Amount
		for _, b := range f.bundles() {
			if b.Receipt.Payee != alder {
				return fmt.Errorf("receipt of %s", b.Receipt.Payee)
			}
			owed += b.Receipt.Amount
		}
		paid, err := f.reader.Claimable(t.Context(), alder)
		if err != nil || owed == 0 || paid != owed {
			return fmt.Errorf("paid %s of %s, %v", paid, owed, err)
		}
		return nil
	})
}
