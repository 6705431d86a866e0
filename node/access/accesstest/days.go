package accesstest

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/access"
)

// RowsWithoutDays tests that what keys had spent before days were counted is in no day, week or month, and leaves none of them known until it
// begins anew. age makes the stored rows of keys as they were then, at the clock's time, while no store is open.
func RowsWithoutDays(t *testing.T, place Place, now time.Time, age func()) {
	c := &clock{now}
	s := open(t, place, Options{Now: c.now, Config: []string{"sk-config"}})
	_, monthly := Create(t, s, access.Terms{Budget: 1000, Reset: access.PeriodMonth})
	_, plain := Create(t, s, access.Terms{})
	_, fresh := Create(t, s, access.Terms{})
	config, err := s.Find("sk-config")
	if err != nil {
		t.Fatal(err)
	}
	serial := uint64(0)
	spend := func(keys ...access.Key) {
		t.Helper()
		for _, k := range keys {
			var r access.Receipt
			serial++
			binary.BigEndian.PutUint64(r[:], serial)
			h, err := s.Hold(context.Background(), k.ID, r, 10)
			if err == nil {
				err = h.Charge(10)
			}
			if err != nil {
				t.Fatal(err)
			}
			find(t, s, k.ID) // a store that several share has heard of it
		}
	}
	shows := func(k access.Key, want ...any) {
		t.Helper()
		st := find(t, s, k.ID)
		var got []any
		for _, p := range []access.Period{access.PeriodDay, access.PeriodWeek, access.PeriodMonth} {
			if spent, known := st.In(p); known {
				got = append(got, int(spent))
			} else {
				got = append(got, nil)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s, at %s:\n%s", k.ID, c.t, d)
		}
	}
	spend(monthly, plain, config)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	age()
	s = open(t, place, Options{Now: c.now, Config: []string{"sk-config"}})
	shows(monthly, nil, nil, 10) // its budget has counted the month
	shows(plain, nil, nil, nil)
	shows(fresh, 0, 0, 0)
	spend(plain, fresh)
	shows(plain, nil, nil, nil)
	shows(fresh, 10, 10, 10)
	c.t = access.PeriodDay.End(c.t)
	shows(config, 0, nil, nil)
	spend(plain, monthly)
	shows(plain, 10, nil, nil)
	shows(monthly, 10, nil, 20)
	c.t = access.PeriodWeek.End(c.t)
	spend(plain)
	shows(plain, 10, 10, nil)
	c.t = access.PeriodMonth.End(c.t)
	spend(plain)
	if st := find(t, s, plain.ID); st.Total != 50 {
		t.Errorf("spent %s in all", st.Total)
	}
	shows(config, 0, 0, 0)
	if month, known := find(t, s, plain.ID).In(access.PeriodMonth); !known || month != 10 {
		t.Errorf("spent %s (known: %v) in the month that began anew", month, known)
	}
}
