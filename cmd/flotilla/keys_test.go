package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"flotilla/node/access"
	"flotilla/node/requestlog"
	"flotilla/settlement"
)

// adminFleet is a fleet whose gateway has administration pages.
type adminFleet struct {
	*fleet
	admin string
}

func newAdminFleet(t *testing.T) adminFleet {
	return adminFleet{newFleet(t), "http://127.0.0.1:" + strconv.Itoa(freePort(t))}
}

func (f adminFleet) startGateway() {
	f.t.Helper()
	f.fleet.startGateway("--settle-every", "1h", "--admin-listen", strings.TrimPrefix(f.admin, "http://"))
}

// flotilla runs a command against the running gateway.
func (f adminFleet) flotilla(args ...string) string {
	f.t.Helper()
	status, out := f.command(append(args, "--admin", f.admin)...)
	if status != 0 {
		f.t.Fatalf("flotilla %s: status %d\n%s", strings.Join(args, " "), status, out)
	}
	return out
}

func (f adminFleet) keys() []access.Status {
	f.t.Helper()
	var keys []access.Status
	if err := json.Unmarshal([]byte(f.flotilla("keys", "list", "--json")), &keys); err != nil {
		f.t.Fatal(err)
	}
	return keys
}

func (f adminFleet) requests(args ...string) []requestlog.Record {
	f.t.Helper()
	var page requestlog.Page
	if err := json.Unmarshal([]byte(f.flotilla(append([]string{"requests", "--json", "--limit", "100"}, args...)...)), &page); err != nil {
		f.t.Fatal(err)
	}
	return page.Requests
}

// spent waits until the key of the tests has spent what its receipts say.
func (f adminFleet) spent(receipts int) {
	f.t.Helper()
	f.eventually(fmt.Sprintf("%d receipts are charged", receipts), func() error {
		var sum settlement.Amount
		bs := f.bundles()
		for _, b := range bs {
			sum += b.Receipt.Amount
		}
		k := f.keys()[0]
		if settlement.Amount(k.Spent) != sum || int(k.Receipts) != receipts || len(bs) != receipts || k.Held != 0 {
			return fmt.Errorf("spent %s by %d receipts, held %s; the ledger has %d of %s", k.Spent, k.Receipts, k.Held, len(bs), sum)
		}
		return nil
	})
}

// Whole answers, one whose operator was killed, one whose client left, and one that was under way when the gateway was
// killed: after all of it the key has spent the sum of its receipts, and the log tells what happened.
func TestSpentSurvivesKills(t *testing.T) {
	f := newAdminFleet(t)
	f.startGateway()
	alder := f.startOperator("alder", newModelServer(t, 5, -1).URL, "10/20")
	f.waitServing(1)
	f.chat("one")
	f.chat("two")
	f.spent(2)
	alder.kill()

	alder = f.startOperator("alder", newModelServer(t, 20, 7).URL, "10/20")
	f.waitServing(1)
	f.chatUntil("cut", func(tokens int) bool {
		if tokens == 7 {
			alder.kill()
		}
		return true
	})
	f.spent(3)

	alder = f.startOperator("alder", newModelServer(t, 20, 4).URL, "10/20")
	f.waitServing(1)
	f.chatUntil("left", func(tokens int) bool { return tokens < 4 })
	f.spent(4)

	resp, err := f.streamRequest(t.Context(), "killed")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if k := f.keys()[0]; k.Held == 0 || k.InFlight != 1 {
		t.Errorf("nothing is held for the answer under way: %+v", k)
	}
	f.gateway.kill()
	alder.kill()
	f.startGateway()
	f.spent(4)
	log := f.requests()
	got := map[int]int{}
	for _, r := range log {
		if r.Route == "/v1/chat/completions" {
			got[r.Status]++
		}
	}
	if got[200] != 3 || got[499] != 1 { // an answer that is cut began with 200
		t.Errorf("the log has %v: %+v", got, log)
	}
	if cut := f.requests("--status", "200", "--limit", "1"); len(cut) != 1 || cut[0].Code != "cut: operator_lost" || !cut[0].Partial || cut[0].CostMicroUSD == 0 {
		t.Errorf("the cut answer: %+v", cut)
	}
	if text := f.flotilla("requests"); !strings.Contains(text, "499 client_gone") || !strings.Contains(text, testModel+" → "+testModel+" on 0x") {
		t.Errorf("for people:\n%s", text)
	}
}

// A key that is made while the gateway runs is served at once, is held to its budget, and refused once it is revoked.
func TestKeysOfARunningGateway(t *testing.T) {
	f := newAdminFleet(t)
	f.startGateway()
	f.startOperator("alder", newModelServer(t, 5, -1).URL, "10/20")
	f.waitServing(1)
	var k struct{ Secret, ID string }
	if err := json.Unmarshal([]byte(f.flotilla("keys", "create", "alice", "--budget", "0.000001", "--json")), &k); err != nil {
		t.Fatal(err)
	}
	status := func(want int, code string) {
		t.Helper()
		body := fmt.Sprintf(`{"model":%q,"stream":true,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, testModel)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.http+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+k.Secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var e struct{ Error struct{ Code string } }
		if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || resp.StatusCode != want || e.Error.Code != code {
			t.Errorf("%d %s (%v), want %d %s", resp.StatusCode, e.Error.Code, err, want, code)
		}
	}
	status(http.StatusTooManyRequests, "insufficient_quota")
	if out := f.flotilla("keys", "revoke", k.ID); !strings.Contains(out, "alice  revoked") {
		t.Errorf("%s", out)
	}
	status(http.StatusUnauthorized, "invalid_api_key")
	if status, out := f.command("keys", "list", "--data-dir", f.dir+"/gateway"); status == 0 || !strings.Contains(out, "running gateway") {
		t.Errorf("its files were opened while it runs: %d %s", status, out)
	}
	if status, out := f.command("requests", "--status", "9", "--admin", f.admin); status == 0 || !strings.Contains(out, "want a number such as 429") {
		t.Errorf("%d %s", status, out)
	}
}
