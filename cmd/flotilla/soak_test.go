package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"flotilla/node/access"
	"flotilla/node/backend/scripted"
	"flotilla/node/requestlog"
	"flotilla/settlement"
	"flotilla/testnet"
)

const (
	soakClients = 32
	deathEvery  = 20 * time.Second
	deadFor     = 3 * time.Second
	sampleEvery = 2 * time.Second
)

// TestSoak runs mixed traffic at half of what the machine can do, while clients leave and operators are killed, and then
// holds five ledgers against one another (make soak SOAK=30m; three minutes in CI).
func TestSoak(t *testing.T) {
	wanted := os.Getenv("FLOTILLA_SOAK")
	if wanted == "" {
		t.Skip("set FLOTILLA_SOAK=3m to run (make soak)")
	}
	length, err := time.ParseDuration(wanted)
	if err != nil {
		t.Fatal(err)
	}
	models := httptest.NewServer(scripted.New(testModel))
	t.Cleanup(models.Close)
	f := newAdminFleet(t)
	f.fleet.startGateway("--settle-every", "10s", "--lane-deposit", "100", "--queue-wait", "5s", "--log-records", "10000000", "--admin-listen", strings.TrimPrefix(f.admin, "http://"))
	operators := map[string]*process{}
	for _, role := range []string{"alder", "birch"} {
		operators[role] = f.soakOperator(role, models.URL)
	}
	f.waitServing(2)
	var k struct {
		Secret string
		ID     access.KeyID
	}
	if err := json.Unmarshal([]byte(f.flotilla("keys", "create", "soak", "--budget", "10000", "--json")), &k); err != nil {
		t.Fatal(err)
	}
	tr := newTraffic("http://"+f.http, k.Secret, soakClients)

	f.soakRun(tr, rate.Inf, 5*time.Second)
	most := float64(len(tr.heard)) / 5
	fmt.Printf("saturation: %.0f requests a second; the soak runs at half of that for %s\n", most, length)
	samples := f.soakUnderDeaths(tr, operators, models.URL, rate.Limit(most/2), length)
	for _, w := range tr.wrong {
		t.Error(w)
	}
	printSoak(tr, samples)
	checkAvailable(t, tr)
	checkFlat(t, samples, min(5*time.Minute, length/3))
	f.checkLedgers(tr, k.ID)
}

func (f *fleet) soakOperator(role, models string) *process {
	return f.start(role, "operator", "--backend", models, "--price", "*=10/20", "--stake", "50", "--bootstrap", f.boot,
		"--chain-poll", "300ms", "--concurrency", "64")
}

// soakRun sends traffic at a pace for a while and waits for its last answer.
func (f *fleet) soakRun(tr *traffic, pace rate.Limit, length time.Duration) {
	limit := rate.NewLimiter(pace, 1)
	ctx, cancel := context.WithTimeout(f.t.Context(), length)
	defer cancel()
	var wg sync.WaitGroup
	for range soakClients {
		wg.Go(func() {
			for limit.Wait(ctx) == nil && ctx.Err() == nil {
				tr.one(f.t.Context(), pickKind())
			}
		})
	}
	wg.Wait()
}

// sample of the gateway's process.
type usageSample struct {
	at         time.Duration
	resident   float64 // bytes, without the files that are mapped: those are the page cache's
	mapped     float64 // bytes of files that are mapped and in memory: they grow with the database while memory is free
	goroutines float64
}

// soakUnderDeaths is soakRun while operators are killed by turns and come back.
func (f adminFleet) soakUnderDeaths(tr *traffic, operators map[string]*process, models string, pace rate.Limit, length time.Duration) []usageSample {
	ctx, cancel := context.WithCancel(f.t.Context())
	var samples []usageSample
	var wg sync.WaitGroup
	wg.Go(func() {
		roles := []string{"alder", "birch"}
		for i := 0; wait(ctx, deathEvery); i++ {
			role := roles[i%2]
			operators[role].kill()
			if !wait(ctx, deadFor) {
				return
			}
			operators[role] = f.soakOperator(role, models)
		}
	})
	wg.Go(func() {
		for began := time.Now(); wait(ctx, sampleEvery); {
			m := f.metrics("go_goroutines")
			pid := f.gateway.cmd.Process.Pid
			samples = append(samples, usageSample{time.Since(began), float64(anonymousMemory(pid)), float64(statusBytes(pid, "RssFile:")), m["go_goroutines"]})
		}
	})
	f.soakRun(tr, pace, length)
	cancel()
	wg.Wait()
	return samples
}

// wait is false when ctx ended before.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// metrics sums the gateway's metrics of these names over their labels.
func (f adminFleet) metrics(names ...string) map[string]float64 {
	out := map[string]float64{}
	resp, err := http.Get(f.admin + "/metrics")
	if err != nil {
		f.t.Error(err)
		return out
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		name, _, _ := strings.Cut(series, "{")
		if i := strings.LastIndexByte(value, ' '); i >= 0 { // a label's value had a space
			value = value[i+1:]
		}
		if n, err := strconv.ParseFloat(value, 64); err == nil && slices.Contains(names, name) {
			out[name] += n
		}
	}
	return out
}

func printSoak(tr *traffic, samples []usageSample) {
	fmt.Printf("%-30s %9s %9s %9s %9s\n", "requests", "all", "whole", "error", "left")
	streams := 0
	for i := range soakKinds {
		var all, whole, failed int
		for _, h := range tr.heard {
			if h.kind == &soakKinds[i] {
				all++
				if h.whole {
					whole++
				}
				if h.failed {
					failed++
				}
				if h.kind.stream {
					streams++
				}
			}
		}
		fmt.Printf("%-30s %9d %9d %9d %9d\n", soakKinds[i].name, all, whole, failed, all-whole-failed)
	}
	fmt.Printf("streams: %d, of which ended cleanly without being whole: %d\n", streams, len(tr.wrong))
	for i := 0; i < len(samples); i += max(1, len(samples)/10) {
		s := samples[i]
		fmt.Printf("after %6s: %4.0f MB of its own, %5.0f MB of mapped files, %4.0f goroutines\n", s.at.Round(time.Second), s.resident/(1<<20), s.mapped/(1<<20), s.goroutines)
	}
}

// checkAvailable: while one operator is always there, nine in ten of the requests that it can serve are answered whole.
func checkAvailable(t *testing.T, tr *traffic) {
	t.Helper()
	var good, whole int
	for _, h := range tr.heard {
		if k := h.kind; !k.broken && k.leave == 0 && k.within == 0 {
			good++
			if h.whole {
				whole++
			}
		}
	}
	if whole < good*9/10 {
		t.Errorf("%d of %d good requests were answered whole", whole, good)
	}
}

// checkFlat: after warm, the last quarter of the samples is no higher than the first but for noise. Of a quarter counts what
// three in four samples are above: memory goes up and down with the collector and the database's tables, a leak stays.
func checkFlat(t *testing.T, samples []usageSample, warm time.Duration) {
	t.Helper()
	samples = slices.DeleteFunc(slices.Clone(samples), func(s usageSample) bool { return s.at < warm })
	noise := 24.0 * (1 << 20)
	if warm < 5*time.Minute {
		noise = 96 << 20 // the database's tables in memory are not all in use yet
	}
	n := len(samples) / 4
	if n == 0 {
		t.Fatalf("%d samples after %s: too few", len(samples), warm)
	}
	low := func(part []usageSample, of func(usageSample) float64) float64 {
		values := make([]float64, len(part))
		for i, s := range part {
			values[i] = of(s)
		}
		slices.Sort(values)
		return values[len(values)/4]
	}
	for _, c := range []struct {
		name  string
		of    func(usageSample) float64
		noise float64
	}{
		{"own memory in bytes", func(s usageSample) float64 { return s.resident }, noise},
		{"goroutines", func(s usageSample) float64 { return s.goroutines }, 60},
	} {
		first, last := low(samples[:n], c.of), low(samples[len(samples)-n:], c.of)
		fmt.Printf("%s after %s: %.0f, at the end %.0f\n", c.name, warm, first, last)
		if last > first*1.1+c.noise {
			t.Errorf("%s grew from %.0f to %.0f", c.name, first, last)
		}
	}
}

// checkLedgers: what clients were told, the receipts, the key's budget, the request log and the metrics are the same to the
// µUSD; no receipt without a response, no billed response without a receipt.
func (f adminFleet) checkLedgers(tr *traffic, key access.KeyID) {
	t := f.t
	t.Helper()
	f.eventually("all holds are settled", func() error {
		if s := f.key(key); s.Held != 0 {
			return fmt.Errorf("%s is held", s.Held)
		}
		return nil
	})
	budget := f.key(key)
	metered := f.metrics("flotilla_cost_usd_total", "flotilla_request_log_dropped_total")
	logged := f.loggedCost(key)
	if err := f.gateway.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-f.gateway.done
	receipts := f.gatewayReceipts("gateway")

	var sum, told uint64
	for _, amount := range receipts {
		sum += amount
	}
	announced := map[string]bool{}
	for _, h := range tr.heard {
		announced[h.receipt] = true
		if amount, ok := receipts[h.receipt]; h.billed && (!ok || amount != h.cost) {
			t.Errorf("%s: the client was told %d µUSD, receipt %s says %d (%t)", h.kind.name, h.cost, h.receipt, amount, ok)
		}
		told += h.cost
	}
	for id := range receipts {
		if !announced[id] {
			t.Errorf("receipt %s has no response", id)
		}
	}
	fmt.Printf("receipts %d of %d µUSD; budget %d, log %d, metrics %.0f; told to clients that stayed %d\n",
		len(receipts), sum, budget.Spent, logged, math.Round(metered["flotilla_cost_usd_total"]*1e6), told)
	if uint64(budget.Spent) != sum || int(budget.Receipts) != len(receipts) || logged != sum ||
		uint64(math.Round(metered["flotilla_cost_usd_total"]*1e6)) != sum || metered["flotilla_request_log_dropped_total"] != 0 {
		t.Errorf("the ledgers differ: %d receipts of %d µUSD, the key %+v, log %d, metrics %v", len(receipts), sum, budget, logged, metered)
	}
}

func (f adminFleet) key(id access.KeyID) access.Status {
	for _, k := range f.keys() {
		if k.ID == id {
			return k
		}
	}
	f.t.Fatalf("no key %s", id)
	return access.Status{}
}

// loggedCost sums the request log's records of a key.
func (f adminFleet) loggedCost(key access.KeyID) (sum uint64) {
	cursor := ""
	for {
		var page requestlog.Page
		q := url.Values{"key": {string(key)}, "limit": {strconv.Itoa(requestlog.MaxPage)}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		resp, err := http.Get(f.admin + "/requests?" + q.Encode())
		if err != nil {
			f.t.Fatal(err)
		}
		if err := errors.Join(json.NewDecoder(resp.Body).Decode(&page), resp.Body.Close()); err != nil {
			f.t.Fatal(err)
		}
		for _, r := range page.Requests {
			sum += r.CostMicroUSD
		}
		if cursor = page.Next; cursor == "" {
			return sum
		}
	}
}

// gatewayReceipts reads the ledger of a gateway that has stopped: amounts in µUSD by receipt.
func (f *fleet) gatewayReceipts(role string) map[string]uint64 {
	f.t.Helper()
	l, err := settlement.OpenLedger(filepath.Join(f.dir, role, "ledger"), settlement.LedgerOptions{Key: testnet.DevKey(role), Domain: f.domain})
	if err != nil {
		f.t.Fatal(err)
	}
	defer l.Close()
	out := map[string]uint64{}
	for r, err := range l.Receipts(settlement.Filter{}) {
		if err != nil {
			f.t.Fatal(err)
		}
		out[r.Bundle.ID().String()] = uint64(r.Bundle.Receipt.Amount)
	}
	return out
}
