package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"flotilla/node/admin"
	"flotilla/routing"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
)

// seedEmbedder gives each text a direction of its own.
type seedEmbedder struct{}

func (seedEmbedder) ID() string { return "seed" }
func (seedEmbedder) Dim() int   { return 32 }
func (seedEmbedder) Embed(_ context.Context, text string) ([]float32, error) {
	h := fnv.New64a()
	_, _ = io.WriteString(h, text)
	return direction(rand.New(rand.NewPCG(h.Sum64(), 1))), nil
}

func direction(rng *rand.Rand) []float32 {
	v := make([]float32, seedEmbedder{}.Dim())
	sum := 0.0
	for i := range v {
		x := rng.NormFloat64()
		v[i] = float32(x)
		sum += x * x
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

func rowsOf(t testing.TB, source string, n int) *index.Index {
	t.Helper()
	b, err := index.NewBuilder("seed", seedEmbedder{}.Dim())
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(uint64(n), 2))
	for range n {
		hard := rng.Float64()
		r := index.Row{Vector: direction(rng), Source: source, Outcomes: []index.Outcome{
			{Model: worldModel, Score: hard * hard}, {Model: "gemma-2-9b-it", Score: hard},
		}}
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func living(t testing.TB, rows int) *livingRouter {
	t.Helper()
	r, err := routing.New(routing.Config{Embedder: seedEmbedder{}, Index: rowsOf(t, "old", rows)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l, err := newLivingRouter(r, filepath.Join(dir, "index.fidx"), indexfile.NewHistory(filepath.Join(dir, GenerationsDirName)), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Requests run all the while rows come and go: each gets an answer, made with one whole generation.
func TestEditsUnderLoadLoseNoRequest(t *testing.T) {
	l := living(t, 3000)
	fleet := []routing.Candidate{
		{Operator: "a", Model: worldModel, InputPerMTok: 10, OutputPerMTok: 10},
		{Operator: "b", Model: "gemma-2-9b-it", InputPerMTok: 100_000, OutputPerMTok: 100_000},
	}
	generations := sync.Map{}
	generations.Store(l.Index().ID(), l.Index())
	stop := make(chan struct{})
	var clients sync.WaitGroup
	used := make([]map[string]int, 4)
	for c := range used {
		used[c] = map[string]int{}
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				d, err := l.Route(context.Background(), routing.Prompt{Text: fmt.Sprint(c, i)}, fleet, routing.Policy{Dial: 7})
				if err != nil {
					t.Errorf("request %d of client %d: %v", i, c, err)
					return
				}
				used[c][d.IndexID]++
			}
		})
	}
	more := rowsOf(t, "new", 500)
	for range 5 {
		x, err := l.Edit(func(b *index.Builder) error { return b.Import(more) })
		if err != nil {
			t.Fatal(err)
		}
		generations.Store(x.ID(), x)
		x, err = l.Edit(func(b *index.Builder) error { _, err := index.Removal{Source: "new"}.Apply(b); return err })
		if err != nil {
			t.Fatal(err)
		}
		generations.Store(x.ID(), x)
	}
	close(stop)
	clients.Wait()
	for c := range used {
		for id := range used[c] {
			if _, ok := generations.Load(id); !ok {
				t.Errorf("client %d was answered from %s, which no edit made", c, id)
			}
		}
	}
	if g := l.Index().Generation(); g != 11 {
		t.Errorf("generation %d after ten edits", g)
	}
	kept, err := indexfile.Read(l.file)
	if err != nil || kept.ID() != l.Index().ID() {
		t.Errorf("on disk: %v, %v", kept, err)
	}
}

func TestARefusedEditChangesNothing(t *testing.T) {
	l := living(t, 50)
	before := l.Index().ID()
	for name, change := range map[string]func(*index.Builder) error{
		"change fails": func(*index.Builder) error { return os.ErrInvalid },
		"no row left":  func(b *index.Builder) error { b.Remove(func(int, string, string) bool { return true }); return nil },
	} {
		if _, err := l.Edit(change); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	l.file = filepath.Join(l.file, "below-no-folder")
	if _, err := l.Edit(func(b *index.Builder) error { return b.Import(rowsOf(t, "new", 5)) }); err == nil {
		t.Error("an edit counts although it could not be kept")
	}
	if l.Index().ID() != before {
		t.Error("the index has changed")
	}
}

// What the owner made of the gateway's file beside it waits for the next start.
func TestAnEditOfTheFileIsNotUndone(t *testing.T) {
	l := living(t, 20)
	if _, err := l.Edit(func(b *index.Builder) error { return b.Import(rowsOf(t, "new", 1)) }); err != nil {
		t.Fatal(err)
	}
	before, others := l.Index(), rowsOf(t, "by hand", 30)
	if err := indexfile.Write(l.file, others); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Edit(func(b *index.Builder) error { return b.Import(rowsOf(t, "newer", 1)) }); !errors.Is(err, indexfile.ErrChanged) || l.Index() != before {
		t.Errorf("%v", err)
	}
	if kept, err := indexfile.Read(l.file); err != nil || kept.ID() != others.ID() {
		t.Errorf("on disk: %v", err)
	}
}

// An edit fails although the file is replaced, as where the folder cannot be synced: the next one is made all the same, and
// the first is not in it.
func TestAnEditThatFailedLateStopsNoOther(t *testing.T) {
	l := living(t, 20)
	more := func(b *index.Builder) error { return b.Import(rowsOf(t, "new", 1)) }
	b := l.Index().Edit()
	if err := more(b); err != nil {
		t.Fatal(err)
	}
	written, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	file := l.file
	l.file = filepath.Join(file, "below-no-folder")
	for range maxFailed + 1 {
		if _, err := l.Edit(more); err == nil {
			t.Fatal("no error")
		}
	}
	l.file = file
	if err := indexfile.Write(file, written); err != nil {
		t.Fatal(err)
	}
	x, err := l.Edit(more)
	if err != nil || x.Len() != 21 {
		t.Fatalf("the next edit: %v", err)
	}
	if kept, err := indexfile.Read(file); err != nil || kept.ID() != x.ID() {
		t.Errorf("on disk: %v", err)
	}
}

// The owner edits a running gateway through its administration address.
func TestTheOwnerEditsTheIndexOverHTTP(t *testing.T) {
	w := newWorld(t)
	before := w.gateway.Gateway.router.Index()
	pages := admin.Handler(owner{w.gateway}, nil, w.gateway.metrics(), slog.New(slog.DiscardHandler))
	call := func(method, path string, body []byte) (int, []byte) {
		return askPages(t, pages, method, path, body)
	}
	b, err := index.NewBuilder("none", 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add(index.Row{Vector: []float32{1, 0}, Source: "mine", Outcomes: []index.Outcome{{Model: "gemma-2-9b-it", Score: 1}}}); err != nil {
		t.Fatal(err)
	}
	rows, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	status, raw := call(http.MethodPost, "/index/rows", rows.Encode())
	var e Edited
	if err := json.Unmarshal(raw, &e); status != http.StatusOK || err != nil || e.Added != 1 || e.Rows != 3 || e.Generation != before.Generation()+1 {
		t.Fatalf("add: %d %s", status, raw)
	}
	if kept, err := indexfile.Read(filepath.Join(w.gateway.cfg.DataDir, IndexFileName)); err != nil || kept.ID() != e.ID {
		t.Errorf("on disk: %v", err)
	}
	if status, raw := call(http.MethodGet, "/index/export", nil); status != http.StatusOK || !bytes.Equal(raw, w.gateway.Gateway.router.Index().Encode()) {
		t.Errorf("export: %d, %d bytes", status, len(raw))
	}
	for _, path := range []string{"/index", "/index/health"} {
		if status, raw := call(http.MethodGet, path, nil); status != http.StatusOK || !bytes.Contains(raw, []byte(`"mine"`)) {
			t.Errorf("%s: %d %s", path, status, raw)
		}
	}
	for name, body := range map[string]string{"no index": "FIDX", "nothing": ""} {
		if status, raw := call(http.MethodPost, "/index/rows", []byte(body)); status != http.StatusBadRequest {
			t.Errorf("add %s: %d %s", name, status, raw)
		}
	}
	for _, body := range []string{`{}`, `{"sauce":"mine"}`, `{"source":"yours"}`, `{"rows":[0]}`, `x`} {
		if status, raw := call(http.MethodPost, "/index/remove", []byte(body)); status != http.StatusBadRequest {
			t.Errorf("remove %s: %d %s", body, status, raw)
		}
	}
	if status, raw := call(http.MethodPost, "/index/remove", []byte(`{"source":"mine"}`)); status != http.StatusOK || !bytes.Contains(raw, []byte(`"rows_removed": 1`)) {
		t.Errorf("remove: %d %s", status, raw)
	}
	if got := w.gateway.Gateway.router.Index(); got.Len() != before.Len() {
		t.Errorf("%d rows are left", got.Len())
	}
}

// A model's probes may be all that an index has: they are replaced in one edit.
func TestTheOwnerReplacesASource(t *testing.T) {
	w := newWorld(t)
	pages := admin.Handler(owner{w.gateway}, nil, w.gateway.metrics(), slog.New(slog.DiscardHandler))
	row := func(score float64) []byte {
		b, err := index.NewBuilder("none", 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(index.Row{Vector: []float32{1, 0}, Source: "probe:m", Outcomes: []index.Outcome{{Model: "gemma-2-9b-it", Score: score}}}); err != nil {
			t.Fatal(err)
		}
		rows, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		return rows.Encode()
	}
	others := w.gateway.Gateway.router.Index().Source(0)
	for _, step := range []struct {
		path string
		body []byte
	}{{"/index/rows", row(0)}, {"/index/remove", fmt.Appendf(nil, `{"source":%q}`, others)}, {"/index/rows/probe:m", row(1)}} {
		if status, raw := askPages(t, pages, http.MethodPost, step.path, step.body); status != http.StatusOK {
			t.Fatalf("%s: %d %s", step.path, status, raw)
		}
	}
	if x := w.gateway.Gateway.router.Index(); x.Len() != 1 || x.Cells(0)[0].Score != index.ScoreSteps {
		t.Errorf("%d rows, the first of %v", x.Len(), x.Cells(0))
	}
}

func askPages(t *testing.T, pages http.Handler, method, path string, body []byte) (int, []byte) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, bytes.NewReader(body))
	r.Header.Set(admin.Header, "1")
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}
