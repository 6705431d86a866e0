package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"flotilla/node/backend"
	"flotilla/p2p"
)

// TestWhatDoesNotFitIsLeftOut: an operator whose model server lists more than an advert holds, or a name that cannot be shown, announces
// the others, and says which it does not.
func TestWhatDoesNotFitIsLeftOut(t *testing.T) {
	for name, also := range map[string][]string{
		"many":    numbered("model-%d", 100),
		"lengthy": numbered("model-%d-"+strings.Repeat("x", 150), 63),
		"odd":     {"bad\u202ename", strings.Repeat("y", 200)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				var list []map[string]string
				for _, id := range append([]string{worldModel}, also...) {
					list = append(list, map[string]string{"id": id, "object": "model"})
				}
				_, _ = rw.Write(mustJSON(t, map[string]any{"object": "list", "data": list}))
			}))
			t.Cleanup(srv.Close)
			models, err := ServeURL(t.Context(), srv.URL, Price{InputPerMTok: 1, OutputPerMTok: 2})
			if err != nil {
				t.Fatal(err)
			}
			log := &logBook{}
			op := w.open(Config{
				DataDir: t.TempDir(), Key: testKey(t), Bootstrap: w.gateway.Addrs(), Logger: log.logger(),
				Operator: &OperatorConfig{Models: models, Stake: 50_000_000},
			})
			var got p2p.Advert
			w.eventually("an advert", func() bool {
				a, ok := w.gateway.fleet.Advert(op.fleet.ID())
				got = a
				return ok
			})
			if len(got.Offers) == 0 || got.Offers[0].Model != worldModel {
				t.Errorf("%d models are announced", len(got.Offers))
			}
			last := models[len(models)-1].Model
			if text := log.String(); !strings.Contains(text, "not announced") || !strings.Contains(text, last) {
				t.Errorf("the log says nothing of %q", last)
			}
		})
	}
}

func numbered(format string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf(format, i))
	}
	return names
}

// TestServerIsAskedOnce: whether a model server answers is asked of it once, and not for each of its models: one that hangs would keep
// the operator from its others for as many timeouts.
func TestServerIsAskedOnce(t *testing.T) {
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		fiveTokens(rw, r)
	}))
	t.Cleanup(srv.Close)
	models, err := ServeURL(t.Context(), srv.URL, Price{})
	if err != nil {
		t.Fatal(err)
	}
	o := &Operator{log: slog.New(slog.DiscardHandler)}
	for range 20 {
		o.cfg.Models = append(o.cfg.Models, models...)
	}
	before := asked.Load()
	if ready, err := o.readyModels(t.Context(), modelServers(o.cfg.Models)); len(ready) != 20 || err != nil {
		t.Errorf("%d models are ready, want 20 (%v)", len(ready), err)
	}
	if n := asked.Load() - before; n != 1 {
		t.Errorf("the server was asked %d times", n)
	}
}

// TestModelThatItsServerListsNoMoreIsNotOffered: orders for it would all fail, and pause it at every gateway. It comes back with its server's list.
func TestModelThatItsServerListsNoMoreIsNotOffered(t *testing.T) {
	var list atomic.Value
	list.Store(`[{"id":"qwen2.5:7b"},{"id":"llama3.1:8b"}]`)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(rw, `{"object":"list","data":%s}`, list.Load())
	}))
	t.Cleanup(srv.Close)
	models, err := ServeURL(t.Context(), srv.URL, Price{})
	if err != nil {
		t.Fatal(err)
	}
	o := &Operator{log: slog.New(slog.DiscardHandler)}
	servers := modelServers(models)
	for _, c := range []struct {
		listed string
		ready  []string
		why    string // "" where nothing is missing
	}{
		{`[{"id":"qwen2.5:7b"},{"id":"llama3.1:8b"}]`, []string{"qwen2.5-7b-instruct", "llama-3.1-8b-instruct"}, ""},
		{`[{"id":"qwen2.5:7b"},{"id":"phi3"}]`, []string{"qwen2.5-7b-instruct"}, `does not list model "llama3.1:8b"`},
		{`[]`, nil, `does not list model "qwen2.5:7b"`},
		{`[{"id":"llama3.1:8b"}]`, []string{"llama-3.1-8b-instruct"}, "qwen2.5:7b"},
	} {
		list.Store(c.listed)
		ready, err := o.readyModels(t.Context(), servers)
		if got := modelNames(ready); !slices.Equal(got, c.ready) {
			t.Errorf("server lists %s: offered are %q, want %q", c.listed, got, c.ready)
		}
		if said := fmt.Sprint(err); (err == nil) != (c.why == "") || !strings.Contains(said, c.why) && c.why != "" {
			t.Errorf("server lists %s: said is %q, want %q", c.listed, said, c.why)
		}
	}
}

// TestModelThatComesLaterIsOffered: who pulls another model for a running server need not start the operator again; nor who starts the
// server again with a longer context.
func TestModelThatComesLaterIsOffered(t *testing.T) {
	var list, down atomic.Value
	list.Store(`{"id":"qwen2.5:7b","max_model_len":2048}`)
	down.Store(false)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down.Load().(bool) || r.URL.Path != "/v1/models" {
			http.Error(rw, "no", http.StatusNotFound)
			return
		}
		fmt.Fprintf(rw, `{"object":"list","data":[%s]}`, list.Load())
	}))
	t.Cleanup(srv.Close)
	models, err := ServeURL(t.Context(), srv.URL, Price{})
	if err != nil {
		t.Fatal(err)
	}
	looks, failing := 0, false
	o := &Operator{log: slog.New(slog.DiscardHandler)}
	o.cfg.Find = func(ctx context.Context, b *backend.Backend) (found []ServedModel, _ error) {
		if looks++; failing {
			return nil, errors.New("it does not say")
		}
		listed, err := b.Models(ctx)
		for _, m := range listed {
			found = append(found, Served(b, m, m.ID, Price{}))
		}
		return found, err
	}
	servers := modelServers(models)
	for _, c := range []struct {
		listed        string
		down, failing bool
		ready         string
		looks         int // in all
	}{
		{`{"id":"qwen2.5:7b","max_model_len":2048}`, false, false, "[qwen2.5-7b-instruct 2048]", 0},
		{`{"id":"qwen2.5:7b","max_model_len":2048},{"id":"phi3","max_model_len":4096}`, false, true, "[qwen2.5-7b-instruct 2048]", 1},
		{`{"id":"qwen2.5:7b","max_model_len":2048},{"id":"phi3","max_model_len":4096}`, false, false, "[qwen2.5:7b 2048 phi3 4096]", 2},
		{`{"id":"qwen2.5:7b","max_model_len":2048},{"id":"phi3","max_model_len":4096}`, false, false, "[qwen2.5:7b 2048 phi3 4096]", 2},
		{``, true, false, "[]", 2},
		{`{"id":"phi3","max_model_len":8192}`, false, false, "[phi3 8192]", 3},
		{`{"id":"phi3","max_model_len":8192}`, false, false, "[phi3 8192]", 3},
	} {
		list.Store(c.listed)
		down.Store(c.down)
		failing = c.failing
		ready, err := o.readyModels(t.Context(), servers)
		var got []any
		for _, m := range ready {
			got = append(got, m.Model, m.MaxContext)
		}
		if fmt.Sprint(got) != c.ready || looks != c.looks {
			t.Errorf("server lists %s (%v): offered are %v after %d looks (%v), want %s after %d", c.listed, !c.down, got, looks, err, c.ready, c.looks)
		}
	}
}
