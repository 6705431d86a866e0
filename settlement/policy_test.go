package settlement_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

func TestRipeLanes(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, tc := range []struct {
		name  string
		value settlement.Amount
		age   time.Duration
		cost  settlement.Amount
		ripe  bool
	}{
		{"gas is free", 1, 0, 0, true},
		{"nothing new but a free receipt", 0, 0, 0, true},
		{"just worth it", 5_000, 0, 50, true},
		{"just not worth it", 4_999, 0, 50, false},
		{"not worth it, one second before the deadline", 1, 24*time.Hour - time.Second, 50, false},
		{"not worth it, at the deadline", 1, 24 * time.Hour, 50, true},
		{"not worth it, accepted before the clock was set back by a year", 1, -365 * 24 * time.Hour, 50, true},
		{"gas times 100 overflows", math.MaxUint64 - 1, 0, math.MaxUint64 / 2, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			payee := common.Address{1}
			lanes := map[common.Address]settlement.Backlog{payee: {Receipts: 3, Value: tc.value, Oldest: now.Add(-tc.age)}}
			ripe, receipts := settlement.SettlerConfig{}.WithDefaults().RipeLanes(lanes, tc.cost, now)
			if slices.Contains(ripe, payee) != tc.ripe || (receipts == 3) != tc.ripe {
				t.Errorf("ripe lanes %v with %d receipts, want ripe: %t", ripe, receipts, tc.ripe)
			}
		})
	}
}

func TestDue(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	cfg := settlement.SettlerConfig{MaxReceipts: 10, MaxAge: time.Minute}.WithDefaults()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, tc := range []struct {
		name     string
		backlog  settlement.Backlog
		lookedAt time.Time
		left     int
		wait     time.Duration
		due      bool
	}{
		{"nothing pending", settlement.Backlog{}, time.Time{}, 0, time.Minute, false},
		{"young and few", settlement.Backlog{Receipts: 9, Oldest: ago(20 * time.Second)}, time.Time{}, 0, 40 * time.Second, false},
		{"accepted before the clock was set back by a second", settlement.Backlog{Receipts: 9, Oldest: ago(-time.Second)}, time.Time{}, 0, 61 * time.Second, false},
		{"accepted before the clock was set back by a year", settlement.Backlog{Receipts: 9, Oldest: ago(-365 * 24 * time.Hour)}, now, 0, time.Minute - math.MaxInt64, true},
		{"many", settlement.Backlog{Receipts: 10, Oldest: now}, time.Time{}, 0, time.Minute, true},
		{"old", settlement.Backlog{Receipts: 1, Oldest: ago(time.Minute)}, time.Time{}, 0, 0, true},
		{"old but weighed just now", settlement.Backlog{Receipts: 50, Oldest: ago(time.Hour)}, ago(10 * time.Second), 50, 50 * time.Second, false},
		{"weighed just now, and many came since", settlement.Backlog{Receipts: 60, Oldest: ago(time.Hour)}, now, 50, time.Minute, true},
		{"weighed long ago", settlement.Backlog{Receipts: 50, Oldest: ago(time.Hour)}, ago(time.Minute), 50, 0, true},
		{"fewer than were left", settlement.Backlog{Receipts: 11, Oldest: ago(time.Second)}, ago(time.Hour), 50, 59 * time.Second, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wait, due := cfg.Due(tc.backlog, tc.lookedAt, tc.left, now)
			if wait != tc.wait || due != tc.due {
				t.Errorf("wait %v, due %t; want %v, %t", wait, due, tc.wait, tc.due)
			}
		})
	}
}

// TestPolicyNeverForgetsALane: whatever the gas costs, more value or more waiting never takes a lane out of the batch,
// and after MaxWait every lane is in.
func TestPolicyNeverForgetsALane(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	rapid.Check(t, func(t *rapid.T) {
		cfg := settlement.SettlerConfig{
			MinGain: rapid.Uint64Range(1, 1<<40).Draw(t, "gain"),
			MaxWait: time.Duration(rapid.Int64Range(1, 1<<50).Draw(t, "wait")),
		}.WithDefaults()
		cost := settlement.Amount(rapid.Uint64().Draw(t, "cost"))
		lanes := make(map[common.Address]settlement.Backlog)
		for i := range rapid.IntRange(1, 8).Draw(t, "lanes") {
			lanes[common.Address{byte(i)}] = settlement.Backlog{
				Receipts: rapid.IntRange(1, 1000).Draw(t, "receipts"), Value: settlement.Amount(rapid.Uint64().Draw(t, "value")),
				Oldest: start.Add(time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "oldest"))),
			}
		}
		now := start.Add(1<<50 + time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "now")))
		ripe, receipts := cfg.RipeLanes(lanes, cost, now)
		sum := 0
		for payee, lane := range lanes {
			in := slices.Contains(ripe, payee)
			if in {
				sum += lane.Receipts
			}
			if late := now.Sub(lane.Oldest) >= cfg.MaxWait; (late || cost == 0) && !in {
				t.Fatalf("lane %+v is left out at %v, cost %v", lane, now, cost)
			}
			lane.Value = max(lane.Value, math.MaxUint64-lane.Value)
			lanes[payee] = lane
		}
		if sum != receipts {
			t.Fatalf("%d receipts, the lanes have %d", receipts, sum)
		}
		more, _ := cfg.RipeLanes(lanes, cost, now.Add(time.Hour))
		for _, payee := range ripe {
			if !slices.Contains(more, payee) {
				t.Fatalf("lane %s fell out by waiting and by more value", payee)
			}
		}
	})
}

// TestTinyLanesWait: the lane that is worth its gas is settled at once, the tiny one at its deadline, both once.
func TestTinyLanesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 2)
		f.chain.SetLaneCost(1) // 42 base units a receipt: three receipts are worth 100 times the gas
		l := f.open(t, f.gateway, "")
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		s := settlement.NewSettler(l, f.chain, settlement.SettlerConfig{MaxWait: 6 * time.Hour})
		go func() { stopped <- s.Run(ctx) }()
		for i := range 3 {
			f.accept(t, l, 0, uint64(i+1))
		}
		tiny := f.accept(t, l, 1, 1)
		time.Sleep(5 * time.Hour)
		if n := f.chain.Calls(memchain.SubmitBatch); n != 1 {
			t.Errorf("%d batches before the deadline, want 1", n)
		}
		if asked := f.chain.Calls(memchain.LaneCost); asked > 5*60+5 {
			t.Errorf("asked %d times for the gas in five hours, want once a minute", asked)
		}
		if r, err := l.Receipt(tiny.ID); err != nil || r.State != settlement.StatePending {
			t.Errorf("tiny lane's receipt is %v (%v), want pending", r.State, err)
		}
		status, err := s.Status()
		if err != nil || len(status.Lanes) != 1 || status.Lanes[0].Payee != f.operators[1].addr || status.Lanes[0].Why == "" || status.SettledEpoch != 1 {
			t.Errorf("status %+v (%v)", status, err)
		}
		time.Sleep(time.Hour + time.Minute)
		if n := f.chain.Calls(memchain.SubmitBatch); n != 2 {
			t.Errorf("%d batches after the deadline, want 2", n)
		}
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		checkSettledOnce(t, f, l, 4)
	})
}

// TestSettleNowTakesTinyLanes: who asks for it settles all, whatever the gas.
func TestSettleNowTakesTinyLanes(t *testing.T) {
	f := newFixture(t, 2)
	f.chain.SetLaneCost(1_000_000)
	l := f.open(t, f.gateway, "")
	f.accept(t, l, 0, 1)
	f.accept(t, l, 1, 1)
	settle(t, l, f.chain)
	checkSettledOnce(t, f, l, 2)
}
