package page_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/node/page"
)

// views say who asked, and how often they were looked at since.
type views struct{ looks atomic.Int64 }

func (v *views) Requests(_ context.Context, who page.Viewer, open string) (page.Requests, error) {
	if open == "broken" {
		return page.Requests{}, errors.New("secret detail")
	}
	return page.Requests{Viewer: who}, nil
}

func (v *views) Fleet(_ context.Context, who page.Viewer) (page.Fleet, error) {
	return page.Fleet{Viewer: who, Total: int(v.looks.Add(1))}, nil
}
func (v *views) Spend(_ context.Context, who page.Viewer) (page.Spend, error) {
	return page.Spend{Viewer: who}, nil
}
func (v *views) Receipts(_ context.Context, who page.Viewer) (page.Receipts, error) {
	return page.Receipts{Viewer: who}, nil
}
func (v *views) Receipt(context.Context, page.Viewer, string) (json.RawMessage, error) {
	return nil, &page.Refusal{Status: http.StatusNotFound, Message: "no such receipt"}
}

func keys(_ context.Context, secret string) (page.Viewer, error) {
	switch secret {
	case "sk-alice":
		return page.Viewer{Key: "key_alice"}, nil
	case "sk-bob":
		return page.Viewer{Key: "key_bob"}, nil
	case "sk-hasty":
		return page.Viewer{}, &page.Refusal{Status: http.StatusTooManyRequests, Message: "too many", RetryAfter: 1500 * time.Millisecond}
	}
	return page.Viewer{}, errors.New("secret detail")
}

func handler(t *testing.T, cfg page.Config) *page.Handler {
	t.Helper()
	cfg.Views = &views{}
	h, err := page.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(t *testing.T, h http.Handler, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://gateway.example"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var b strings.Builder
	if _, err := bufio.NewReader(r.Body).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhoSeesWhat(t *testing.T) {
	const alice = "Bearer sk-alice"
	cases := []struct {
		name, method, path string
		headers            []string
		status             int
		says               string
	}{
		{"the page is open", "GET", "/", nil, 200, "<title>flotilla</title>"},
		{"so are its files", "GET", "/page/main.js", nil, 200, "import"},
		{"no other file", "GET", "/page/../page.go", nil, 404, "no such file"},
		{"nothing is written", "POST", "/", nil, 405, "only read"},
		{"data without a key", "GET", "/page/data/fleet", nil, 401, "no API key"},
		{"with a wrong one", "GET", "/page/data/fleet", []string{"Authorization", "Bearer sk-mallory"}, 401, "does not know"},
		{"with a long one", "GET", "/page/data/fleet", []string{"Authorization", "Bearer " + strings.Repeat("x", 10_000)}, 401, "does not know"},
		{"with one in another scheme", "GET", "/page/data/fleet", []string{"Authorization", "Basic sk-alice"}, 401, "no API key"},
		{"too fast", "GET", "/page/data/fleet", []string{"Authorization", "Bearer sk-hasty"}, 429, "too many"},
		{"with a key", "GET", "/page/data/spend", []string{"Authorization", alice}, 200, `"viewer":{"key":"key_alice"}`},
		{"from the page itself", "GET", "/page/data/fleet", []string{"Authorization", alice, "Sec-Fetch-Site", "same-origin", "Origin", "http://gateway.example"}, 200, "key_alice"},
		{"from another site", "GET", "/page/data/fleet", []string{"Authorization", alice, "Sec-Fetch-Site", "cross-site"}, 403, "other sites"},
		{"from another port", "GET", "/page/data/fleet", []string{"Authorization", alice, "Sec-Fetch-Site", "same-site"}, 403, "other sites"},
		{"from another origin", "GET", "/page/data/fleet", []string{"Authorization", alice, "Origin", "http://evil.example"}, 403, "other sites"},
		{"from a frame of none", "GET", "/page/data/fleet", []string{"Authorization", alice, "Origin", "null"}, 403, "other sites"},
		{"no such view", "GET", "/page/data/keys", []string{"Authorization", alice}, 404, "no such view"},
		{"a refusal", "GET", "/page/data/receipt?id=1", []string{"Authorization", alice}, 404, "no such receipt"},
		{"a fault", "GET", "/page/data/requests?open=broken", []string{"Authorization", alice}, 500, "its log says why"},
	}
	h := handler(t, page.Config{Keys: keys})
	for _, c := range cases {
		r := get(t, h, c.method, c.path, c.headers...)
		if got := body(t, r); r.StatusCode != c.status || !strings.Contains(got, c.says) || strings.Contains(got, "secret") {
			t.Errorf("%s: %d %.300s; want %d with %q", c.name, r.StatusCode, got, c.status, c.says)
		}
		if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", c.name, policy)
		}
		if c.status == http.StatusTooManyRequests && r.Header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After %q", r.Header.Get("Retry-After"))
		}
	}
}

// At the owner's door nobody is asked for a key, and other sites are refused all the same.
func TestOwnersDoor(t *testing.T) {
	h := handler(t, page.Config{API: "127.0.0.1:8420"})
	if got := body(t, get(t, h, "GET", "/page/data/spend")); !strings.Contains(got, `"owner":true`) {
		t.Errorf("%s", got)
	}
	if r := get(t, h, "GET", "/page/data/spend", "Sec-Fetch-Site", "cross-site"); r.StatusCode != http.StatusForbidden {
		t.Errorf("another site: %d", r.StatusCode)
	}
	if got := body(t, get(t, h, "GET", "/")); !strings.Contains(got, `data-door="owner" data-api-port="8420"`) {
		t.Errorf("%.200s", got)
	}
}

// A question that says it has a body is answered although the body never comes: net/http waits for it before it answers,
// and whoever needs no key could hold any number of connections that way.
func TestNoBodyIsWaitedFor(t *testing.T) {
	srv := httptest.NewServer(handler(t, page.Config{Keys: keys}))
	defer srv.Close()
	for _, start := range []string{"GET /", "GET /page/data/fleet", "POST /"} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-alice\r\nAccept: text/event-stream\r\nContent-Length: 100\r\n\r\n{", start)
		if raw, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(raw), "HTTP/1.1 4") {
			t.Errorf("%s with a body that never comes: %v, %.200s", start, err, raw)
		}
	}
}

func TestFilesAreNotSentTwice(t *testing.T) {
	h := handler(t, page.Config{Keys: keys})
	first := get(t, h, "GET", "/page/page.css")
	if again := get(t, h, "GET", "/page/page.css", "If-None-Match", first.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("%d for what the browser has", again.StatusCode)
	}
}

// One key's views, however many it opens, leave room for those of others; one that is closed makes room.
func TestOneKeyLeavesViewsToOthers(t *testing.T) {
	h := handler(t, page.Config{Keys: keys})
	srv := httptest.NewServer(h)
	defer srv.Close()
	defer h.Close()
	open := func(secret string) (status int, leave func() error) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/page/data/spend", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/event-stream")
		req.Header.Set("Authorization", "Bearer "+secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			resp.Body.Close()
		}
		return resp.StatusCode, resp.Body.Close
	}
	opened, leaveLast := 0, func() error { return nil }
	for range 100 {
		status, leave := open("sk-alice")
		if status != http.StatusOK {
			break
		}
		opened, leaveLast = opened+1, leave
	}
	if status, _ := open("sk-bob"); status != http.StatusOK || opened < 10 {
		t.Errorf("%d for another key beside %d views of one", status, opened)
	}
	if err := leaveLast(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if status, _ := open("sk-alice"); status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a view that was closed makes no room")
		}
	}
}

// A view that is open is sent again when it has changed, and ends with the server.
func TestViewsAreLive(t *testing.T) {
	h := handler(t, page.Config{Keys: keys})
	srv := httptest.NewServer(h)
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/page/data/fleet", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer sk-alice")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
				return data
			}
		}
		return ""
	}
	one, two := next(), next()
	if !strings.Contains(one, `"total":1`) || !strings.Contains(two, `"total":2`) {
		t.Errorf("%s, then %s", one, two)
	}
	h.Close()
	for next() != "" {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the view did not end as it should: %v", err)
	}
}

// slowViews take long to look at, so that the page rests long between looks.
type slowViews struct{ views }

func (v *slowViews) Fleet(ctx context.Context, who page.Viewer) (page.Fleet, error) {
	time.Sleep(time.Second)
	return v.views.Fleet(ctx, who)
}

// A view that is looked at seldom is not silent meanwhile: the page in the browser takes silence for a lost gateway.
func TestSlowViewIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := page.New(page.Config{Views: &slowViews{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second) // the second look is after 100 s
		defer cancel()
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/page/data/fleet", http.NoBody)
		req.Header.Set("Accept", "text/event-stream")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if n := strings.Count(rec.Body.String(), ": still here"); n != 5 {
			t.Errorf("%d comments in 80 s, want one each 15 s:\n%s", n, rec.Body)
		}
	})
}
