package node

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"flotilla/node/access"
)

func (w *world) reconfigure(c GatewayConfig) {
	w.t.Helper()
	if err := w.gateway.Gateway.Reconfigure(w.t.Context(), c); err != nil {
		w.t.Fatal(err)
	}
}

// A file that is only half written, or says too little, does not lock everybody out; whoever has keys of another kind may drop those
// of the configuration.
func TestLastKeyIsNotTakenAway(t *testing.T) {
	w := newWorld(t)
	g := w.gateway.Gateway
	status := func(key string) int {
		resp, _ := w.get(key, "/v1/models")
		return resp.StatusCode
	}
	cfg := *g.cfg.Load()
	bare := cfg
	bare.LaneDeposit, bare.APIKeys = cfg.LaneDeposit+1, []string{}
	refused := func(why string) {
		t.Helper()
		for _, keys := range [][]string{nil, {}, {""}} {
			bare.APIKeys = keys
			if err := g.Reconfigure(t.Context(), bare); !errors.Is(err, errLockedOut) {
				t.Errorf("%s, %q: %v", why, keys, err)
			}
		}
		if s := status(worldAPIKey); s != http.StatusOK || g.cfg.Load().LaneDeposit != cfg.LaneDeposit {
			t.Errorf("%s: %d, and a deposit of %s", why, s, g.cfg.Load().LaneDeposit)
		}
	}
	refused("no other key")
	k := w.newKey(access.Terms{})
	if _, err := g.keys.Revoke(t.Context(), k.ID, false); err != nil {
		t.Fatal(err)
	}
	refused("a revoked key")
	stored := w.newKey(access.Terms{})
	w.reconfigure(bare)
	if status(worldAPIKey) != http.StatusUnauthorized || status(stored.Secret) != http.StatusOK {
		t.Errorf("%d and %d", status(worldAPIKey), status(stored.Secret))
	}
	w.reconfigure(bare) // nothing is taken away any more
	for _, key := range []string{" sk-a", "sk-a\n", strings.Repeat("k", 513)} {
		bad := GatewayConfig{APIKeys: []string{"sk-good", key}, StoreLease: time.Minute}
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), "API key 2 of 2") {
			t.Errorf("%.10q: %v", key, err)
		}
	}
	if good := (&GatewayConfig{APIKeys: []string{"", "sk-a"}}); good.Validate() != nil {
		t.Error(good.Validate())
	}
}
