package openai

import (
	"strconv"
	"testing"
	"time"
)

func TestUpgradeBookKeepsShareAndDollarsOfADay(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	b := newUpgradeBook(UpgradeLimits{MaxShare: 0.5, MaxMicroUSD: 1_000}, func() time.Time { return now })
	if got := b.Left(KeyInfo{ID: "a"}); got != (Upgrades{Bounded: true, LeftMicroUSD: 1_000}) {
		t.Fatalf("a new key has %+v", got)
	}
	for range 39 { // 39 upgrades of 39: with 20 free and half of 40, the 41st is one too many
		b.record(KeyInfo{ID: "a"}, 10)
	}
	if got := b.Left(KeyInfo{ID: "a"}); got != (Upgrades{Bounded: true, LeftMicroUSD: 610}) {
		t.Errorf("after 39 upgrades %+v", got)
	}
	b.record(KeyInfo{ID: "a"}, 10)
	if got := b.Left(KeyInfo{ID: "a"}); got != (Upgrades{Bounded: true}) {
		t.Errorf("beyond the share %+v", got)
	}
	if got := b.Left(KeyInfo{ID: "b"}); got.LeftMicroUSD != 1_000 {
		t.Errorf("another key has %+v", got)
	}
	b.record(KeyInfo{ID: "b"}, 1_500)
	b.record(KeyInfo{ID: "b"}, 0)
	if got := b.Left(KeyInfo{ID: "b"}); got != (Upgrades{Bounded: true}) {
		t.Errorf("beyond the dollars %+v", got)
	}
	now = now.Add(upgradeHours * time.Hour)
	for _, key := range []string{"a", "b"} {
		if got := b.Left(KeyInfo{ID: key}); got.LeftMicroUSD != 1_000 {
			t.Errorf("a day later %s has %+v", key, got)
		}
	}
}

// A clock that was far ahead leaves no hours behind that cannot be counted in: they would bound nothing until it is there again.
func TestUpgradeBookWhenTheClockIsSetBack(t *testing.T) {
	right := time.Unix(1_800_000_000, 0)
	now := right.Add(100 * 24 * time.Hour)
	b := newUpgradeBook(UpgradeLimits{MaxMicroUSD: 1_000}, func() time.Time { return now })
	for range upgradeHours {
		b.record(KeyInfo{ID: "a"}, 40)
		now = now.Add(time.Hour)
	}
	now = right
	b.record(KeyInfo{ID: "a"}, 300)
	if got := b.Left(KeyInfo{ID: "a"}); got.LeftMicroUSD != 700 {
		t.Errorf("after one upgrade by the right time %+v", got)
	}
	now = right.Add(upgradeHours * time.Hour)
	if got := b.Left(KeyInfo{ID: "a"}); got.LeftMicroUSD != 1_000 {
		t.Errorf("a day later %+v", got)
	}
}

func TestUpgradeBookWithoutLimitsBoundsNothingAndMemoryIsBounded(t *testing.T) {
	free := newUpgradeBook(UpgradeLimits{}, time.Now)
	free.record(KeyInfo{ID: "a"}, 1e9)
	if got := free.Left(KeyInfo{ID: "a"}); got != (Upgrades{}) || len(free.keys) != 0 {
		t.Errorf("without limits %+v, %d keys", got, len(free.keys))
	}
	b := newUpgradeBook(UpgradeLimits{MaxMicroUSD: 10}, time.Now)
	for i := range maxUpgradeKeys + 100 {
		b.record(KeyInfo{ID: strconv.Itoa(i)}, 1)
	}
	if len(b.keys) > maxUpgradeKeys+1 {
		t.Errorf("%d keys are kept", len(b.keys))
	}
	if got := b.Left(KeyInfo{ID: "one more"}); got.LeftMicroUSD != 0 {
		t.Errorf("keys beyond the bound have %+v together", got)
	}
}
