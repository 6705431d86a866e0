package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flotilla/routing"
	"flotilla/routing/index"
	"flotilla/settlement"
)

// generations are receipts of decisions that were made with so many generations of an index, two with each, in turn; and who has the
// index of a receipt.
func generations(t *testing.T, n int) (receipts []settlement.Bundle, ofReceipt map[string]*index.Index) {
	t.Helper()
	e, x := withStatic(t)
	ofReceipt = map[string]*index.Index{}
	var decisions []routing.Decision
	fleet := []routing.Candidate{{Operator: "a", Model: "gemma-2-9b-it", InputPerMTok: 1, OutputPerMTok: 1}}
	var made []*index.Index
	for i := range n {
		b := x.Edit()
		v := make([]float32, x.Dim())
		v[i] = 1
		if err := b.Add(index.Row{Vector: v, Source: "mine", Outcomes: []index.Outcome{{Model: testModel, Score: 1}}}); err != nil {
			t.Fatal(err)
		}
		next, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		router, err := routing.New(routing.Config{Embedder: e, Index: next})
		if err != nil {
			t.Fatal(err)
		}
		d, err := router.Route(t.Context(), routing.Prompt{Text: "What is the boiling point of water?"}, fleet, routing.Policy{Dial: 7})
		if err != nil {
			t.Fatal(err)
		}
		decisions, made, x = append(decisions, d), append(made, next), next
	}
	for i := range 2 * n {
		b := settlement.Bundle{DecisionJSON: decisions[i%n].JSON()}
		b.Receipt.Request[0] = byte(i)
		receipts = append(receipts, b)
		ofReceipt[b.ID().String()] = made[i%n]
	}
	return receipts, ofReceipt
}

// indexGateway gives the indexes of some receipts, where refuse does not refuse; asked counts.
func indexGateway(t *testing.T, has map[string]*index.Index, asked *int, refuse func(n int, w http.ResponseWriter) bool) serverURL {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked++ // one at a time
		if refuse(*asked, w) {
			return
		}
		x := has[strings.Split(r.URL.Path, "/")[3]]
		if x == nil {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":{"message":"no receipt of this API key on this gateway"}}`)
			return
		}
		_, _ = x.WriteTo(w)
	}))
	t.Cleanup(server.Close)
	return serverURL(server.URL)
}

func refuseIndex(w http.ResponseWriter) bool {
	w.Header().Set("Retry-After-Ms", "1")
	w.WriteHeader(http.StatusTooManyRequests)
	fmt.Fprint(w, `{"error":{"message":"one index a minute"}}`)
	return true
}

func never(int, http.ResponseWriter) bool { return false }

// replayed counts the receipts whose decision could be made again, and those of which it could not be checked.
func replayed(t *testing.T, c verifyCmd, receipts []settlement.Bundle, log *bytes.Buffer) (ok, unchecked int, why string) {
	t.Helper()
	c.APIKey = "key"
	r, err := c.newReplayer(len(receipts), log)
	if err != nil {
		t.Fatal(err)
	}
	reports := make([]settlement.Report, len(receipts))
	r.checkAll(t.Context(), receipts, reports, &progressBar{})
	for _, report := range reports {
		switch check := report.Checks[0]; {
		case check.OK:
			ok++
		case check.Skipped && errors.Is(check.Err, settlement.ErrCannotCheck):
			unchecked++
			why = check.Evidence
		default:
			t.Errorf("%+v", check)
		}
	}
	return ok, unchecked, why
}

// A gateway that sends one index a minute is waited for, and each index is fetched once; with --index-dir not even that the next time.
func TestIndexesAreFetchedAtTheGatewaysPace(t *testing.T) {
	receipts, all := generations(t, 3)
	asked, dir := 0, filepath.Join(t.TempDir(), "kept")
	gateway := indexGateway(t, all, &asked, func(n int, w http.ResponseWriter) bool { return n%2 == 0 && refuseIndex(w) })
	var log bytes.Buffer
	ok, _, why := replayed(t, verifyCmd{Gateway: []serverURL{gateway}, IndexDir: dir}, receipts, &log)
	if ok != len(receipts) || asked != 5 {
		t.Errorf("%d of %d hold, the gateway was asked %d times, want 5: %s", ok, len(receipts), asked, why)
	}
	for _, want := range []string{"index 2 of 3: asks again in 1ms: the gateway says: one index a minute", "index 3 of 3: "} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &log)
		}
	}
	if ok, _, why := replayed(t, verifyCmd{IndexDir: dir}, receipts, &log); ok != len(receipts) || asked != 5 {
		t.Errorf("the next time %d of %d hold, the gateway was asked %d times: %s", ok, len(receipts), asked, why)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.fidx"))
	if err != nil || len(files) != 3 {
		t.Fatalf("kept: %v, %v", files, err)
	}
	other, err := os.ReadFile(files[2])
	if err := errors.Join(err, os.WriteFile(files[0], []byte("cut"), 0o600), os.WriteFile(files[1], other, 0o600)); err != nil {
		t.Fatal(err)
	}
	if ok, _, why := replayed(t, verifyCmd{Gateway: []serverURL{gateway}, IndexDir: dir}, receipts, &log); ok != len(receipts) {
		t.Errorf("with a damaged file and one of another generation %d of %d hold: %s", ok, len(receipts), why)
	}
}

// A gateway that refuses for good, or is not there, costs the tries of one index.
func TestAGatewayThatSendsNothingIsLeftAlone(t *testing.T) {
	receipts, all := generations(t, 3)
	for name, c := range map[string]struct {
		refuse func(n int, w http.ResponseWriter) bool
		ok     int
		asked  int
	}{
		"busy for ever": {func(_ int, w http.ResponseWriter) bool { return refuseIndex(w) }, 0, promptTries},
		"another key": {func(_ int, w http.ResponseWriter) bool {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}, 0, 1},
		"keeps one to itself": {func(n int, w http.ResponseWriter) bool {
			if n == 1 {
				w.WriteHeader(http.StatusForbidden)
			}
			return n == 1
		}, 4, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			asked := 0
			gateway := indexGateway(t, all, &asked, c.refuse)
			ok, unchecked, why := replayed(t, verifyCmd{Gateway: []serverURL{gateway}}, receipts, &log)
			if ok != c.ok || ok+unchecked != len(receipts) || asked != c.asked {
				t.Errorf("%d hold, %d could not be checked, %d times asked: want %d, %d\n%s", ok, unchecked, asked, c.ok, c.asked, why)
			}
		})
	}
}

// A gateway is believed in nothing: whatever it sends in place of the index that a decision names, the decision could not be checked,
// which does not make it false.
func TestAnIndexThatWasNotAskedForIsNotUsed(t *testing.T) {
	receipts, all := generations(t, 2)
	first, second := receipts[0].ID().String(), receipts[1].ID().String()
	for name, send := range map[string]*index.Index{"none": nil, "of another generation": all[second]} {
		var log bytes.Buffer
		asked := 0
		gateway := indexGateway(t, map[string]*index.Index{first: send}, &asked, func(_ int, w http.ResponseWriter) bool {
			if send == nil {
				fmt.Fprint(w, "an index")
			}
			return send == nil
		})
		_, unchecked, why := replayed(t, verifyCmd{Gateway: []serverURL{gateway}}, receipts[:1], &log)
		if unchecked != 1 || !strings.Contains(why, errOtherIndex.Error()) {
			t.Errorf("%s: %d unchecked, %s", name, unchecked, why)
		}
	}
}

// Each of several gateways has its own receipts: all are asked.
func TestSeveralGatewaysAreAsked(t *testing.T) {
	receipts, all := generations(t, 3)
	first, second := map[string]*index.Index{}, maps.Clone(all)
	for _, b := range receipts[:3] { // of each generation one receipt here, one there
		id := b.ID().String()
		first[id] = all[id]
		delete(second, id)
	}
	for name, has := range map[string][]map[string]*index.Index{"one has all": {{}, all}, "each has some": {first, second}, "the other is not asked": {second}} {
		t.Run(name, func(t *testing.T) {
			var asked [2]int
			c := verifyCmd{}
			for i := range has {
				c.Gateway = append(c.Gateway, indexGateway(t, has[i], &asked[i], never))
			}
			var log bytes.Buffer
			want := len(receipts)
			if len(has) == 1 {
				want = len(has[0]) // by the second receipt of each generation, though the first is not of this gateway
			}
			if ok, _, why := replayed(t, c, receipts, &log); ok != want || ok < len(receipts) && !strings.Contains(why, "the key that paid") {
				t.Errorf("%d hold, want %d: %s", ok, want, why)
			}
		})
	}
}
