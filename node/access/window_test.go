package access_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"flotilla/node/access"
)

// A clock that is set back locks no key out: what is refused says rightly when to come back, within the two minutes that the seconds before and after it take.
func TestRateWhenTheClockIsSetBack(t *testing.T) {
	for _, back := range []time.Duration{time.Second, 30 * time.Second, 60 * time.Second, 61 * time.Second, time.Hour, 1000 * time.Hour} {
		c := newClock()
		s := open(t, t.TempDir(), access.Options{Now: c.now})
		_, k := create(t, s, access.Terms{RequestsPerMinute: 1})
		if _, err := s.Enter(context.Background(), k.ID); err != nil {
			t.Fatal(err)
		}
		c.t = c.t.Add(-back)
		_, err := s.Enter(context.Background(), k.ID)
		var over *access.RateError
		if errors.As(err, &over) {
			if over.RetryAfter <= 0 || over.RetryAfter > 2*time.Minute+time.Second {
				t.Errorf("set back by %s: retry after %s", back, over.RetryAfter)
			}
			c.t = c.t.Add(over.RetryAfter)
			_, err = s.Enter(context.Background(), k.ID)
		}
		if err != nil {
			t.Errorf("set back by %s: %v, at the time that was told", back, err)
		}
	}
}
