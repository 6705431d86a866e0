package openai_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// dearest answers with an upgrade of 600 µUSD as long as the key may have it, and notes what each request might spend.
type dearest struct {
	*fakefleet.Fleet
	seen []openai.Upgrades
}

func (d *dearest) Complete(ctx context.Context, req openai.Request) (openai.Reply, error) {
	d.seen = append(d.seen, req.Upgrades)
	r, err := d.Fleet.Complete(ctx, req)
	if err != nil || req.Upgrades.LeftMicroUSD < 600 {
		return r, err
	}
	return upgraded{r}, nil
}

type upgraded struct{ openai.Reply }

func (u upgraded) Info() openai.Info {
	info := u.Reply.Info()
	info.UpgradeMicroUSD = 600
	return info
}

func TestKeyThatHasSpentItsUpgradesIsServedWithoutThem(t *testing.T) {
	d := &dearest{Fleet: fakefleet.New()}
	cfg := config(d)
	cfg.Upgrades = openai.UpgradeLimits{MaxMicroUSD: 1_000}
	h := openai.NewHandler(cfg)
	for range 3 {
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(`{"model":"auto",`+ask+`}`))
		r.Header.Set("Authorization", "Bearer "+testKey)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
	for i, want := range []uint64{1_000, 400, 400} {
		if got := d.seen[i]; got != (openai.Upgrades{Bounded: true, LeftMicroUSD: want}) {
			t.Errorf("request %d might spend %+v, want %d", i, got, want)
		}
	}
}
