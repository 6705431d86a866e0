package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"flotilla/node/openai"
	"flotilla/node/page"
	"flotilla/node/postgres/pgtest"
	"flotilla/node/requestlog"
	"flotilla/node/requestlog/pglog"
)

// Of a log that several gateways share, each counts all that any of them writes, once: what was there before its start, what the
// others write while it is starting and after, and what it answers itself.
func TestGatewaysCountWhatOthersAnswer(t *testing.T) {
	url := pgtest.Start(t).Database()
	logs := map[string]*requestlog.Log{}
	for _, name := range []string{"mine", "other"} {
		logs[name] = pglog.Open(pgtest.Connect(t, url), requestlog.Options{})
		defer logs[name].Close()
	}
	g := &gate{log: slog.New(slog.DiscardHandler), requests: logs["mine"], book: page.NewBook(time.Now), upgrades: openai.NewUpgradeBook(openai.UpgradeLimits{MaxMicroUSD: 10_000})}
	n := 0
	answer := func(by string) {
		n++
		r := requestlog.Record{ID: fmt.Sprint("req_", n), At: time.Now(), Key: "key_a", Model: "m", CostMicroUSD: 1, UpgradeMicroUSD: 1}
		if logs[by].Add(r); by == "mine" {
			g.book.Add(r)
			g.recallUpgrade(r)
		}
	}
	// counted waits until all that was answered so far is.
	counted := func(when string) {
		t.Helper()
		want := uint64(n)
		var sum uint64
		var left openai.Upgrades
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			sum, left = g.book.Spend(page.Viewer{Owner: true}).CostMicroUSD, g.upgrades.Left(openai.KeyInfo{ID: "key_a"})
			if sum == want && left.LeftMicroUSD == 10_000-want || sum > want {
				break
			}
		}
		if sum != want || left.LeftMicroUSD != 10_000-want {
			t.Fatalf("%s: %d µUSD on the page and %d left for upgrades, want %d and %d", when, sum, left.LeftMicroUSD, want, 10_000-want)
		}
	}
	for range 2500 { // more than a page
		answer("other")
	}
	if _, err := logs["other"].List(t.Context(), requestlog.Filter{}); err != nil { // which waits until they are written
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { g.remember(ctx, time.Now()) })
	for i := range 1000 {
		answer([]string{"mine", "other"}[i%2])
	}
	counted("while it is starting")
	answer("other")
	answer("mine")
	counted("later")
}
