package settlement_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// running is a settler whose Run is going on in a synctest bubble.
type running struct {
	*settlement.Settler
	log  strings.Builder
	stop func()
}

func run(t *testing.T, f *fixture, l *settlement.Ledger, cfg settlement.SettlerConfig) *running {
	t.Helper()
	r := new(running)
	cfg.MaxAge, cfg.Logger = 10*time.Second, slog.New(slog.NewTextHandler(&r.log, nil))
	r.Settler = settlement.NewSettler(l, f.chain, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}
	return r
}

func (r *running) status(t *testing.T) settlement.SettleStatus {
	t.Helper()
	s, err := r.Status()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestConfirmations: a batch is settled when it is deep enough, and one that a reorg takes out before is sent again.
func TestConfirmations(t *testing.T) {
	for name, requeue := range map[string]bool{"forgotten": false, "mined again": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 2)
				l := f.open(t, f.gateway, "")
				r := run(t, f, l, settlement.SettlerConfig{Confirmations: 5})
				f.accept(t, l, 0, 1)
				f.accept(t, l, 1, 2)
				time.Sleep(time.Minute)
				f.chain.MineBlocks(3)
				time.Sleep(time.Minute)
				st := r.status(t)
				if st.InFlight == nil || st.InFlight.Depth != 4 || st.InFlight.Wanted != 5 || st.Pending.Receipts != 2 || st.SettledEpoch != 0 {
					t.Fatalf("four blocks deep, status %+v, batch %+v", st, st.InFlight)
				}
				f.chain.Reorg(1, requeue)
				time.Sleep(time.Minute)
				f.chain.MineBlocks(3)
				time.Sleep(time.Minute)
				if st := r.status(t); st.InFlight == nil || st.InFlight.Depth != 4 || st.Error != "" {
					t.Fatalf("four blocks deep again, status %+v, batch %+v", st, st.InFlight)
				}
				f.chain.MineBlocks(1)
				time.Sleep(time.Minute)
				r.stop()
				want := 2 // sent once more
				if requeue {
					want = 1
				}
				if n := f.chain.Calls(memchain.SubmitBatch); n != want {
					t.Errorf("sent %d times, want %d", n, want)
				}
				checkSettledOnce(t, f, l, 2)
			})
		})
	}
}

// TestDeepReorg: a reorg deeper than Confirmations takes out batches that the ledger calls settled. They come back as
// they were, in order, and nobody is paid twice.
func TestDeepReorg(t *testing.T) {
	for name, requeue := range map[string]bool{"forgotten": false, "mined again": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 2)
				l := f.open(t, f.gateway, "")
				r := run(t, f, l, settlement.SettlerConfig{})
				for i := range 3 {
					f.accept(t, l, i%2, uint64(i+1))
					time.Sleep(time.Minute)
				}
				if st := r.status(t); st.SettledEpoch != 3 {
					t.Fatalf("settled %d batches, want 3", st.SettledEpoch)
				}
				f.chain.SlowMining(time.Second)
				f.chain.Reorg(2, requeue)
				time.Sleep(10 * time.Minute) // nothing new comes: the settler notices all the same
				if next, err := f.chain.NextEpoch(t.Context(), f.gateway.addr); next != 4 || err != nil {
					t.Errorf("the chain wants epoch %d (%v), want 4", next, err)
				}
				f.accept(t, l, 0, 10)
				time.Sleep(10 * time.Minute)
				if st := r.status(t); st.SettledEpoch != 4 || st.Error != "" {
					t.Errorf("status %+v", st)
				}
				r.stop()
				if n := f.chain.Calls(memchain.SubmitBatch); (requeue && n != 4) || (!requeue && n != 6) {
					t.Errorf("sent %d batches", n)
				}
				checkSettledOnce(t, f, l, 4)
			})
		})
	}
}

// TestReorgOfAllBatches: there is no batch left to know the chain by. It is the same one all the same, also for a settler that has just
// started, and another one holds none of them either.
func TestReorgOfAllBatches(t *testing.T) {
	for name, restart := range map[string]bool{"while it runs": false, "before it starts": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 2)
				l := f.open(t, f.gateway, "")
				r := run(t, f, l, settlement.SettlerConfig{})
				for i := range 3 {
					f.accept(t, l, i%2, uint64(i+1))
					time.Sleep(time.Minute)
				}
				if restart {
					r.stop()
				}
				f.chain.Reorg(3, false)
				if restart {
					r = run(t, f, l, settlement.SettlerConfig{})
				}
				time.Sleep(time.Minute)
				if st := r.status(t); st.SettledEpoch != 3 || st.Error != "" {
					t.Errorf("status %+v", st)
				}
				f.chain.Reset()
				time.Sleep(10 * time.Minute)
				if st := r.status(t); !strings.Contains(st.Error, settlement.ErrChainReset.Error()) {
					t.Errorf("another chain: status %+v", st)
				}
				r.stop()
				if n := f.chain.Calls(memchain.SubmitBatch); n != 6 {
					t.Errorf("sent %d batches, want 3 twice", n)
				}
				if told := strings.Count(r.log.String(), "settling waits"); told != 2 {
					t.Errorf("a reorganisation and another chain were told %d times:\n%s", told, r.log.String())
				}
			})
		})
	}
}

// TestChainReset: on a chain that was started anew nothing is sent, the reason is told once, and settling goes on by
// itself when the chain is back.
func TestChainReset(t *testing.T) {
	for name, inFlight := range map[string]bool{"between batches": false, "batch in flight": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 2)
				l := f.open(t, f.gateway, "")
				r := run(t, f, l, settlement.SettlerConfig{})
				f.accept(t, l, 0, 1)
				time.Sleep(time.Minute)
				if inFlight {
					f.chain.SlowMining(10 * time.Minute)
					f.accept(t, l, 1, 2)
					time.Sleep(time.Minute)
				}
				sent := f.chain.Calls(memchain.SubmitBatch)
				restore := f.chain.Reset()
				f.accept(t, l, 0, 3)
				time.Sleep(time.Hour)
				if n := f.chain.Calls(memchain.SubmitBatch); n != sent {
					t.Errorf("%d batches were sent to another chain", n-sent)
				}
				if st := r.status(t); !strings.Contains(st.Error, settlement.ErrChainReset.Error()) || st.ErrorSince.IsZero() || st.Pending.Receipts == 0 {
					t.Errorf("status %+v", st)
				}
				if err := r.SettleNow(t.Context()); !errors.Is(err, settlement.ErrChainReset) {
					t.Errorf("settle now: %v", err)
				}
				restore()
				time.Sleep(time.Hour)
				if st := r.status(t); st.Error != "" || !st.ErrorSince.IsZero() {
					t.Errorf("the chain is back, status %+v", st)
				}
				r.stop()
				if told := strings.Count(r.log.String(), "settling waits"); told != 1 {
					t.Errorf("the reset was logged %d times:\n%s", told, r.log.String())
				}
				want := 2
				if inFlight {
					want = 3
				}
				checkSettledOnce(t, f, l, want)
			})
		})
	}
}

// TestResetBeforeTheFirstBatch: a chain that never held a batch of this ledger is as good as the old one.
func TestResetBeforeTheFirstBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 1)
		l := f.open(t, f.gateway, "")
		f.chain.DropTx(memchain.SubmitBatch, 1)
		r := run(t, f, l, settlement.SettlerConfig{})
		f.accept(t, l, 0, 1)
		time.Sleep(11 * time.Second)
		f.chain.Reset()
		f.chain.AddStake(f.operators[0].addr, 1000)
		f.chain.Deposit(f.gateway.addr, f.operators[0].addr, 1000)
		time.Sleep(time.Minute)
		r.stop()
		checkSettledOnce(t, f, l, 1)
	})
}
