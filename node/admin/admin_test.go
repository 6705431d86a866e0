package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"flotilla/node/admin"
)

// fake answers like a node, and fails when told to.
type fake struct {
	err     error
	settled int
}

func (f *fake) SettlementStatus(context.Context) (any, error) {
	return map[string]int{"settled": f.settled}, f.err
}

func (f *fake) SettleNow(context.Context) error {
	f.settled++
	return f.err
}
func (f *fake) Evidence(context.Context) (any, error)   { return []string{"e"}, f.err }
func (f *fake) Dispute(context.Context) (any, error)    { return []string{"d"}, f.err }
func (f *fake) OtherNodes(context.Context) (any, error) { return []string{"n"}, f.err }
func (f *fake) Batch(_ context.Context, epoch uint64) (any, error) {
	if epoch != 3 {
		return nil, fmt.Errorf("batch %d: %w", epoch, admin.ErrNotFound)
	}
	return map[string]uint64{"epoch": epoch}, f.err
}

func (f *fake) Feedback(context.Context) (any, error) { return []string{"pending"}, f.err }

func (f *fake) ReviewFeedback(_ context.Context, decode func(any) error) (any, error) {
	var r struct{ Receipts []string }
	return &r, decode(&r)
}

func (f *fake) Keys(context.Context) (any, error) { return []string{"key_1"}, f.err }

func (f *fake) Requests(_ context.Context, q url.Values) (any, error) { return q, f.err }

func (f *fake) CreateKey(_ context.Context, decode func(any) error) (any, error) {
	var r struct{ Name string }
	return &r, decode(&r)
}

func (f *fake) RevokeKey(_ context.Context, decode func(any) error) (any, error) {
	var r struct{ ID string }
	return &r, decode(&r)
}

func (f *fake) IndexSummary(context.Context) (any, error) { return map[string]int{"rows": 2}, f.err }
func (f *fake) IndexHealth(context.Context) (any, error) {
	return map[string]float64{"spread": 1}, f.err
}
func (f *fake) ExportIndex(_ context.Context, id string) (io.WriterTo, error) {
	return strings.NewReader("an index" + id), f.err
}
func (f *fake) AddRows(_ context.Context, replace string, encoded []byte) (any, error) {
	return replace + string(encoded), f.err
}
func (f *fake) RemoveRows(_ context.Context, decode func(any) error) (any, error) {
	var r struct{ Source string }
	return "gone: " + r.Source, errors.Join(decode(&r), f.err)
}

func (f *fake) ForgetGenerations(context.Context) (any, error) { return 3, f.err }

func call(t *testing.T, f *fake, method, path, host string, header bool) (int, string) {
	t.Helper()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "flotilla_test"}, func() float64 { return 7 }))
	r := httptest.NewRequestWithContext(t.Context(), method, "http://"+host+path, nil)
	if header {
		r.Header.Set(admin.Header, "1")
	}
	w := httptest.NewRecorder()
	admin.Handler(f, nil, metrics, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// broken is a metric that cannot be read.
type broken struct{}

func (broken) Describe(ch chan<- *prometheus.Desc) {
	ch <- prometheus.NewDesc("flotilla_broken", "Broken.", nil, nil)
}
func (broken) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(prometheus.NewDesc("flotilla_broken", "Broken.", nil, nil), errors.New("disk"))
}

// TestMetricsWithoutOne: what cannot be read is missing, is counted and logged; all others are there.
func TestMetricsWithoutOne(t *testing.T) {
	metrics, logged := prometheus.NewRegistry(), &bytes.Buffer{}
	metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "flotilla_test"}, func() float64 { return 7 }), broken{})
	pages := admin.Handler(&fake{}, nil, metrics, slog.New(slog.NewTextHandler(logged, nil)))
	var body string
	for range 2 {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1/metrics", nil))
		if body = w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, "flotilla_test 7") {
			t.Fatalf("%d %s", w.Code, body)
		}
	}
	if !strings.Contains(body, `promhttp_metric_handler_errors_total{cause="gathering"} 1`) || !strings.Contains(logged.String(), "disk") {
		t.Errorf("metrics %s\nlog %s", body, logged)
	}
}

func TestPages(t *testing.T) {
	cases := []struct {
		method, path string
		header       bool
		status       int
		says         string
	}{
		{"GET", "/settlement", false, 200, `"settled": 0`},
		{"GET", "/evidence", false, 200, `"e"`},
		{"GET", "/nodes", false, 200, `"n"`},
		{"GET", "/batches/3", false, 200, `"epoch": 3`},
		{"GET", "/batches/4", false, 404, "batch 4"},
		{"GET", "/batches/x", false, 400, "named by its epoch"},
		{"GET", "/metrics", false, 200, "flotilla_test 7"},
		{"POST", "/settlement/now", true, 200, `"settled": 1`},
		{"POST", "/settlement/now", false, 403, admin.Header},
		{"POST", "/dispute", true, 200, `"d"`},
		{"POST", "/dispute", false, 403, admin.Header},
		{"GET", "/index", false, 200, `"rows": 2`},
		{"GET", "/index/health", false, 200, `"spread": 1`},
		{"GET", "/index/export", false, 200, "an index"},
		{"POST", "/index/rows", true, 200, `""`},
		{"POST", "/index/rows/probe:m", true, 200, `"probe:m"`},
		{"POST", "/index/rows", false, 403, admin.Header},
		{"POST", "/index/remove", true, 400, "read body"},
		{"GET", "/keys", false, 200, `"key_1"`},
		{"GET", "/requests?status=4xx", false, 200, `"4xx"`},
		{"POST", "/keys", false, 403, admin.Header},
		{"POST", "/keys", true, 400, "read body"},
		{"POST", "/keys/revoke", false, 403, admin.Header},
		{"GET", "/dispute", true, 405, ""},
		{"GET", "/", false, 404, ""},
	}
	for _, c := range cases {
		status, body := call(t, &fake{}, c.method, c.path, "127.0.0.1:8421", c.header)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s (header %t): %d %s; want %d with %q", c.method, c.path, c.header, status, body, c.status, c.says)
		}
	}
}

// A page in a browser on this machine reaches loopback: by a name of its own it is refused, and without the header it
// can change nothing.
func TestOtherNamesAreRefused(t *testing.T) {
	for host, want := range map[string]int{"evil.example": 403, "evil.example:8421": 403, "10.0.0.1": 403, "localhost:8421": 200, "[::1]:8421": 200} {
		if status, _ := call(t, &fake{}, "GET", "/settlement", host, false); status != want {
			t.Errorf("asked as %s: %d, want %d", host, status, want)
		}
	}
}

func TestErrorsAreJSON(t *testing.T) {
	status, body := call(t, &fake{err: errors.New("the chain is away")}, "POST", "/dispute", "localhost", true)
	var f admin.Failure
	if err := json.Unmarshal([]byte(body), &f); err != nil || status != 500 || f.Error != "the chain is away" {
		t.Fatalf("%d %s (%v)", status, body, err)
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "10.0.0.1:0", "nowhere"} {
		if ln, err := admin.Listen(addr); err == nil {
			t.Errorf("%s: listened at %s", addr, ln.Addr())
		}
	}
}

func TestServeUntilTheEnd(t *testing.T) {
	ln, err := admin.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- admin.Serve(ctx, ln, &fake{}, nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	}()
	resp, err := http.Get("http://" + ln.Addr().String() + "/evidence")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "e") {
		t.Fatalf("%s (%v)", body, err)
	}
	_ = resp.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
