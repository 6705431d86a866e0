package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"flotilla/node"
	"flotilla/node/access"
	"flotilla/node/backend/scripted"
	"flotilla/node/page"
	"flotilla/node/postgres/pgtest"
)

// scaleBudget of the key, in USD: some 900 requests.
const scaleBudget = "0.25"

// peer is one of the gateways that share a store.
type peer struct {
	role, http string
	p2p        int
	process    *process
}

func (f *fleet) newPeer(role string) *peer {
	return &peer{role: role, http: "127.0.0.1:" + strconv.Itoa(freePort(f.t)), p2p: freePort(f.t)}
}

func (f *fleet) startPeer(p *peer, store string, flags ...string) (boot string) {
	f.t.Helper()
	p.process = f.start(p.role, append([]string{"gateway", "--listen", p.http, "--store", store, "--store-lease", "4s", "--settle-every", "1h",
		"--chain-poll", "300ms", "--p2p-listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", p.p2p), "--api-key", testKey}, flags...)...)
	f.eventually(p.role+" prints its address", func() error {
		for _, line := range strings.Split(p.process.out.String(), "\n") {
			if addr, ok := strings.CutPrefix(line, "bootstrap "); ok {
				boot = addr
				return nil
			}
		}
		return fmt.Errorf("not yet")
	})
	return boot
}

// hammer asks the gateways by turns until each has refused for want of budget, or until stop; it returns what was told.
func hammer(ctx context.Context, peers []*peer, secret string, clients int) (answered, refused, failed int) {
	body := `{"model":"` + testModel + `","max_tokens":8,"messages":[{"role":"user","content":"@script tokens=8 delay=2ms"}]}`
	var mu sync.Mutex
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := c; ctx.Err() == nil; i++ {
				status := 0
				req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+peers[i%len(peers)].http+"/v1/chat/completions", bytes.NewReader([]byte(body)))
				req.Header.Set("Authorization", "Bearer "+secret)
				if resp, err := http.DefaultClient.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					status = resp.StatusCode
				}
				mu.Lock()
				switch status {
				case http.StatusOK:
					answered++
				case http.StatusTooManyRequests:
					refused++
				default:
					failed++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return answered, refused, failed
}

// Two gateways, one budget: it holds whatever both do at once; one is killed in the middle, the other goes on and frees
// what the dead one held; when it is back, what the key has spent is the sum of both gateways' receipts.
func TestScale(t *testing.T) {
	if os.Getenv("FLOTILLA_SCALE") == "" {
		t.Skip("make scale")
	}
	store := pgtest.Start(t, "fsync=on").Database()
	f := newFleet(t)
	model := httptest.NewServer(scripted.New(testModel))
	t.Cleanup(func() { model.CloseClientConnections(); model.Close() })
	peers := []*peer{f.newPeer("gateway"), f.newPeer("birch")}
	var boots []string
	for _, p := range peers {
		boots = append(boots, f.startPeer(p, store))
	}
	f.boot = strings.Join(boots, ",")
	f.startOperator("alder", model.URL, "10/20")
	for _, p := range peers {
		f.http = p.http
		f.waitServing(1)
	}
	status, out := f.command("keys", "create", "shared", "--budget", scaleBudget, "--store", store, "--json")
	if status != 0 {
		t.Fatal(out)
	}
	var key node.CreatedKey
	if err := json.Unmarshal([]byte(out), &key); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	spent := func() (k access.Status) {
		var keys []access.Status
		if status, out := f.command("keys", "list", "--json", "--store", store); status != 0 || json.Unmarshal([]byte(out), &keys) != nil {
			t.Fatal(out)
		}
		for _, k = range keys {
			if k.ID == key.ID {
				break
			}
		}
		if k.Spent+k.Held > key.Budget {
			t.Errorf("spent %s and held %s of %s", k.Spent, k.Held, key.Budget)
		}
		return k
	}
	row := func(when string) {
		k := spent()
		fmt.Printf("%-44s %10s %10s %10s %9d\n", when, k.Spent, k.Held, key.Budget, k.Receipts)
	}
	fmt.Printf("\n%-44s %10s %10s %10s %9s\n", "", "spent", "held", "budget", "receipts")
	f.eventually("both know the key", func() error {
		for _, p := range peers {
			if a, _, failed := hammerOnce(p, key.Secret); a == 0 {
				return fmt.Errorf("%s: %d failed", p.role, failed)
			}
		}
		return nil
	})
	run := func(d time.Duration, peers ...*peer) (refused int) {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		answered, refused, failed := hammer(ctx, peers, key.Secret, 4)
		fmt.Printf("  %d answered, %d refused for want of budget, %d failed or cut off\n", answered, refused, failed)
		return refused
	}
	run(time.Second, peers...)
	row("both serve")
	dead := time.AfterFunc(500*time.Millisecond, peers[0].process.kill)
	run(time.Second, peers...)
	dead.Stop()
	row("one was killed under load")
	f.eventually("what the dead gateway held is free", func() error {
		if k := spent(); k.Held != 0 {
			return fmt.Errorf("held %s", k.Held)
		}
		return nil
	})
	row("its holds are free")
	f.eventually("the other meets the end of the budget", func() error {
		if run(2*time.Second, peers[1]) == 0 {
			return fmt.Errorf("none was refused")
		}
		return nil
	})
	row("the other serves until too little is left")
	f.startPeer(peers[0], store)
	f.http = peers[0].http
	f.waitServing(1)
	if refused := run(time.Second, peers...); refused == 0 {
		t.Error("the gateway that is back served a key without budget")
	}
	row("it is back, and refuses too")
	f.eventually("both pages show the key the same sums", func() error {
		sums := [2]page.Tally{f.pageSums(peers[0], key.Secret), f.pageSums(peers[1], key.Secret)}
		if sums[0] != sums[1] || sums[0].CostMicroUSD == 0 {
			return fmt.Errorf("%+v", sums)
		}
		fmt.Printf("both pages: %d requests, %d failed, %d µUSD\n", sums[0].Requests, sums[0].Failed, sums[0].CostMicroUSD)
		return nil
	})
	for _, p := range peers {
		if err := p.process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-p.process.done
	}
	var sum, n uint64
	for _, p := range peers {
		for _, amount := range f.gatewayReceipts(p.role) {
			sum, n = sum+amount, n+1
		}
	}
	k := spent()
	fmt.Printf("receipts of both ledgers: %d of %d µUSD; the key has spent %d by %d\n", n, sum, k.Spent, k.Receipts)
	if uint64(k.Spent) != sum || k.Receipts != n || k.Held != 0 {
		t.Errorf("spent %s by %d receipts, held %s; the ledgers have %d of %d µUSD", k.Spent, k.Receipts, k.Held, n, sum)
	}
}

// pageSums of a key at one gateway.
func (f *fleet) pageSums(p *peer, secret string) page.Tally {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.http+"/page/data/spend", nil)
	req.Header.Set("Authorization", "Bearer "+secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var spend page.Spend
	if err := json.NewDecoder(resp.Body).Decode(&spend); err != nil {
		f.t.Fatal(err)
	}
	return spend.Tally
}

func hammerOnce(p *peer, secret string) (int, int, int) {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	return hammer(ctx, []*peer{p}, secret, 1)
}
