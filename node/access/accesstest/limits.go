package accesstest

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flotilla/node/access"
)

// In no 60 seconds more than the limit, and what is refused says rightly when to come back.
func rateLimitsBind(t *testing.T, place Place) {
	c := newClock()
	s := open(t, place, Options{Now: c.now})
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.Uint64Range(1, 5).Draw(rt, "limit")
		_, key := Create(t, s, access.Terms{RequestsPerMinute: limit, TokensPerMinute: 50})
		var admitted []time.Time
		for range rapid.IntRange(1, 60).Draw(rt, "requests") {
			c.t = c.t.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(rt, "gap")))
			v, err := s.Enter(context.Background(), key.ID)
			var over *access.RateError
			if errors.As(err, &over) {
				if r := over.Rates.Requests; over.RetryAfter <= 0 || over.RetryAfter > 61*time.Second || r == nil || r.Limit != limit || r.Remaining != 0 || r.Reset < over.RetryAfter {
					rt.Fatalf("retry after %s, rates %+v", over.RetryAfter, r)
				}
				if r := over.Rates.Tokens; r == nil || r.Limit != 50 || r.Remaining != 50 {
					rt.Fatalf("refused for its requests it is told the rate %+v of tokens", r)
				}
				c.t = c.t.Add(over.RetryAfter)
				v, err = s.Enter(context.Background(), key.ID)
			}
			if err != nil {
				rt.Fatalf("%v, at the time that was told", err)
			}
			v.Leave()
			admitted = append(admitted, c.t)
			if r := v.Rates().Requests; r.Limit != limit || r.Remaining >= limit {
				rt.Fatalf("rates %+v after a request", r)
			}
		}
		for i := range admitted {
			if j := i + int(limit); j < len(admitted) && admitted[j].Sub(admitted[i]) < time.Minute {
				rt.Fatalf("%d requests within %s", limit+1, admitted[j].Sub(admitted[i]))
			}
		}
	})
}

// A clock that is set back locks no key out: what is refused says rightly when to come back, within the two minutes that the seconds
// before and after it take.
func ratesWhenTheClockIsSetBack(t *testing.T, place Place) {
	c := newClock()
	s := open(t, place, Options{Now: c.now})
	for _, back := range []time.Duration{time.Second, 30 * time.Second, 60 * time.Second, 61 * time.Second, time.Hour, 1000 * time.Hour} {
		_, k := Create(t, s, access.Terms{RequestsPerMinute: 1, TokensPerMinute: 10})
		ask := func() error {
			v, err := s.Enter(context.Background(), k.ID)
			if err == nil {
				err = v.AskTokens(context.Background(), 10)
				v.Leave()
			}
			return err
		}
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		c.t = c.t.Add(-back)
		err := ask()
		var over *access.RateError
		if errors.As(err, &over) {
			if over.RetryAfter <= 0 || over.RetryAfter > 2*time.Minute+time.Second {
				t.Errorf("set back by %s: retry after %s", back, over.RetryAfter)
			}
			c.t = c.t.Add(over.RetryAfter)
			err = ask()
		}
		if err != nil {
			t.Errorf("set back by %s: %v, at the time that was told", back, err)
		}
	}
}

func tokensAreCorrected(t *testing.T, place Place) {
	c := newClock()
	s := open(t, place, Options{Now: c.now})
	_, key := Create(t, s, access.Terms{RequestsPerMinute: 9, TokensPerMinute: 100, Concurrent: 1})
	v, err := s.Enter(context.Background(), key.ID)
	if err != nil {
		t.Fatal(err)
	}
	var over *access.RateError
	if _, err := s.Enter(context.Background(), key.ID); !errors.As(err, &over) || over.Resource != access.Concurrent {
		t.Errorf("a second at once: %v", err)
	} else if r := over.Rates; r.Requests == nil || r.Requests.Remaining != 8 || r.Requests.Reset <= 0 || r.Tokens == nil || r.Tokens.Remaining != 100 {
		t.Errorf("a second at once is told the rates %+v, %+v", r.Requests, r.Tokens)
	}
	if err := v.AskTokens(context.Background(), 101); !errors.As(err, &over) || over.RetryAfter != 0 {
		t.Errorf("more than a minute's: %v", err)
	}
	if err := v.AskTokens(context.Background(), 90); err != nil {
		t.Fatal(err)
	}
	v.UsedTokens(30)
	v.Leave()
	v.Leave()
	v, err = s.Enter(context.Background(), key.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.AskTokens(context.Background(), 71); !errors.As(err, &over) || over.RetryAfter <= 0 {
		t.Errorf("71 after 30: %v", err)
	}
	if err := v.AskTokens(context.Background(), 70); err != nil {
		t.Errorf("70 after 30: %v", err)
	}
	c.t = c.t.Add(61 * time.Second)
	v.Leave()
	if v, err = s.Enter(context.Background(), key.ID); err != nil {
		t.Fatal(err)
	}
	if r := v.Rates().Tokens; r.Remaining != 100 || r.Reset != 0 {
		t.Errorf("a minute later: %+v", r)
	}
	_, unlimited := Create(t, s, access.Terms{})
	if v, err = s.Enter(context.Background(), unlimited.ID); err != nil {
		t.Fatal(err)
	}
	if r := v.Rates(); r != (access.Rates{}) {
		t.Errorf("rates of a key without limits: %+v", r)
	}
}

func budgetStartsAgain(t *testing.T, place func(testing.TB) Place) {
	for period, next := range map[access.Period]string{
		access.PeriodHour: "2026-02-01T00:00:00Z", access.PeriodDay: "2026-02-01T00:00:00Z",
		access.PeriodWeek: "2026-02-02T00:00:00Z", access.PeriodMonth: "2026-02-01T00:00:00Z",
	} {
		c := newClock() // a Saturday
		s := open(t, place(t), Options{Now: c.now})
		_, key := Create(t, s, access.Terms{Budget: 100, Reset: period})
		h, err := s.Hold(context.Background(), key.ID, access.Receipt{1}, 100)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Charge(100); err != nil {
			t.Fatal(err)
		}
		if k := find(t, s, key.ID); k.Spent != 100 { // a store that several share has heard of it now, in this period
			t.Errorf("%s: spent %s", period, k.Spent)
		}
		var over *access.BudgetError
		if err := s.CheckBudget(context.Background(), key.ID); !errors.As(err, &over) || over.Reset.Format(time.RFC3339) != next {
			t.Errorf("%s: %v", period, err)
		}
		c.t = over.Reset.Add(-time.Nanosecond)
		if s.CheckBudget(context.Background(), key.ID) == nil {
			t.Errorf("%s: started again too early", period)
		}
		c.t = over.Reset
		if err := s.CheckBudget(context.Background(), key.ID); err != nil {
			t.Errorf("%s: %v", period, err)
		}
		if k := find(t, s, key.ID); k.Spent != 0 || k.Total != 100 || k.Receipts != 1 {
			t.Errorf("%s: %+v", period, k.Usage)
		}
	}
}

// A clock that was ahead by far more than a period locks nobody out for as long; one that was a little ahead begins no period twice. Days
// are counted by the same rule, whatever the budget's period.
func budgetWhenTheClockIsSetBack(t *testing.T, place func(testing.TB) Place) {
	for _, period := range []access.Period{access.PeriodHour, access.PeriodDay, access.PeriodWeek, access.PeriodMonth} {
		c := newClock()
		s := open(t, place(t), Options{Now: c.now})
		_, key := Create(t, s, access.Terms{Budget: 100, Reset: period})
		right := period.End(c.t)
		for i, ahead := range []time.Duration{time.Second, 100 * 24 * time.Hour} {
			c.t = right.Add(ahead)
			h, err := s.Hold(context.Background(), key.ID, access.Receipt{byte(i + 1)}, 100)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Charge(100); err != nil {
				t.Fatal(err)
			}
			if k := find(t, s, key.ID); k.Spent != 100 { // as in budgetStartsAgain
				t.Errorf("%s: spent %s", period, k.Spent)
			}
			c.t = right.Add(-time.Second)
			if s.CheckBudget(context.Background(), key.ID) == nil {
				t.Errorf("%s, %s ahead: started again by being set back", period, ahead)
			}
			c.t = right
			if err := s.CheckBudget(context.Background(), key.ID); (err == nil) != (ahead > time.Minute) {
				t.Errorf("%s, %s ahead: at the start of the next period by the right time: %v", period, ahead, err)
			}
			if today, known := find(t, s, key.ID).In(access.PeriodDay); !known || (today == 0) != (ahead > time.Minute) {
				t.Errorf("%s, %s ahead: at the start of the next day by the right time: spent %s (known: %v)", period, ahead, today, known)
			}
		}
	}
}
