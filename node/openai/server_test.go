package openai_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// TestClientGone: in each phase, streamed or not, a client that leaves ends the context and closes the reply.
func TestClientGone(t *testing.T) {
	for name, tc := range map[string]struct {
		set    func(*fakefleet.Fleet)
		body   string
		closed int64
	}{
		"before the first byte":              {func(f *fakefleet.Fleet) { f.HangFirst = true }, `{"model":"auto",` + ask + `}`, 0},
		"before the first byte of a stream":  {func(f *fakefleet.Fleet) { f.HangFirst = true }, streamed, 0},
		"in the middle of a whole answer":    {func(f *fakefleet.Fleet) { f.HangAt = 0 }, `{"model":"auto",` + ask + `}`, 1},
		"before the first chunk of a stream": {func(f *fakefleet.Fleet) { f.HangAt = 0 }, streamed, 1},
		"in the middle of a stream":          {func(f *fakefleet.Fleet) { f.HangAt = 2 }, streamed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := fakefleet.New()
			tc.set(f)
			srv := httptest.NewServer(openai.NewHandler(config(f)))
			defer srv.Close()
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			writeAsk(t, conn, tc.body)
			eventually(t, "the fleet is asked", func() bool { return len(f.Requests()) == 1 })
			if f.HangAt > 0 {
				r := bufio.NewReader(conn)
				if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
					t.Fatalf("status %q, %v", line, err)
				}
				for pieces := 0; pieces < f.HangAt; { // or a write that fails is what ends the answer
					line, err := r.ReadString('\n')
					if err != nil {
						t.Fatal(err)
					}
					if strings.HasPrefix(line, "data: ") {
						pieces++
					}
				}
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the answer is abandoned", func() bool { return f.Abandoned.Load() == 1 && f.Closed.Load() == tc.closed })
		})
	}
}

// serve has a Server serve on a port of its own until stop; how that ended is then in served.
func serve(t *testing.T, cfg openai.Config, drain time.Duration) (addr string, stop func(), served <-chan error) {
	t.Helper()
	server, err := openai.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- server.Serve(ctx, ln, drain) }()
	return ln.Addr().String(), stop, end
}

// writeAsk asks for a chat completion.
func writeAsk(t *testing.T, conn net.Conn, body string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", testKey, len(body), body); err != nil {
		t.Fatal(err)
	}
}

// asked serves f and has one client ask it, and then send something more.
func asked(t *testing.T, f *fakefleet.Fleet, early string) net.Conn {
	t.Helper()
	addr, stop, served := serve(t, config(f), 0)
	t.Cleanup(func() { stop(); <-served })
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	writeAsk(t, conn, streamed)
	eventually(t, "the fleet is asked", func() bool { return len(f.Requests()) == 1 })
	fmt.Fprint(conn, early)
	return conn
}

// TestClientGoneAfterAByte: a client that sends more than its body, as old ones do a line break, and leaves is noticed too.
func TestClientGoneAfterAByte(t *testing.T) {
	for _, early := range []string{"\n", "\r\n", strings.Repeat("x", 3000)} {
		f := fakefleet.New()
		f.HangFirst = true
		conn := asked(t, f, early)
		time.Sleep(20 * time.Millisecond) // where the server reads the byte and the end at once, less is tested
		_ = conn.Close()
		eventually(t, fmt.Sprintf("leaving after %.5q is noticed", early), func() bool { return f.Abandoned.Load() == 1 })
	}
}

// TestEarlyRequest: what a client sends while it is answered is its next request.
func TestEarlyRequest(t *testing.T) {
	for _, long := range []int{1, 2000, 10_000} {
		f := fakefleet.New()
		f.Step = make(chan struct{})
		conn := asked(t, f, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", long)+"\r\n")
		time.Sleep(20 * time.Millisecond)
		fmt.Fprint(conn, "Connection: close\r\n\r\n")
		close(f.Step)
		answers, err := io.ReadAll(conn)
		if err != nil || strings.Count(string(answers), "HTTP/1.1 200") != 2 || !strings.Contains(string(answers), "[DONE]") {
			t.Errorf("%d: two requests sent at once are answered with %q, %v", long, answers, err)
		}
	}
}

// TestPanicMidStreamCutsTheConnection: a client must see an error, not a proper end.
func TestPanicMidStreamCutsTheConnection(t *testing.T) {
	f := fakefleet.New()
	f.PanicAt = 2
	srv := httptest.NewServer(openai.NewHandler(config(f)))
	defer srv.Close()
	resp := post(t, t.Context(), srv.URL, streamed)
	defer resp.Body.Close()
	if data, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("clean end after a panic: %q", data)
	}
}

func TestOverload(t *testing.T) {
	f := fakefleet.New()
	f.HangFirst = true
	cfg := config(f)
	cfg.MaxInFlight = 1
	srv := httptest.NewServer(openai.NewHandler(cfg))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+"/v1/chat/completions", strings.NewReader(streamed))
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Authorization", "Bearer "+testKey)
		if resp, err := http.DefaultClient.Do(r); err == nil {
			resp.Body.Close()
			t.Error("a cancelled request was answered")
		}
	})
	eventually(t, "the first request is under way", func() bool { return len(f.Requests()) == 1 })
	resp := post(t, t.Context(), srv.URL, streamed)
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("second request: %d, %v", resp.StatusCode, resp.Header)
	}
	resp.Body.Close()
	// What is full is alive: who restarts it for that cuts every answer under way.
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503} {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s of a gateway that is full: %d, want %d", path, resp.StatusCode, want)
		}
	}
	cancel()
	wg.Wait()
}

// TestSlowBody: a body that does not arrive gets an answer and frees its slot.
func TestSlowBody(t *testing.T) {
	cfg := config(fakefleet.New())
	cfg.BodyTimeout = 20 * time.Millisecond
	srv := httptest.NewServer(openai.NewHandler(cfg))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{", testKey)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 408 || resp.Header.Get("X-Should-Retry") != "false" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// TestSlowBodyOfRefusedRequest: also a body that nobody wants to read must not hold its connection.
func TestSlowBodyOfRefusedRequest(t *testing.T) {
	cfg := config(fakefleet.New())
	cfg.BodyTimeout = 20 * time.Millisecond
	srv := httptest.NewServer(openai.NewHandler(cfg))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(conn) // ends when the server closes
	if err != nil || !strings.HasPrefix(string(data), "HTTP/1.1 401") {
		t.Errorf("%v, %q", err, data)
	}
}

// slowToLeave takes its time after its client is gone, as one does that writes to a disk.
type slowToLeave struct {
	*fakefleet.Fleet
	asked chan struct{}
	left  atomic.Bool
}

func (s *slowToLeave) Complete(ctx context.Context, _ openai.Request) (openai.Reply, error) {
	close(s.asked)
	<-ctx.Done()
	time.Sleep(200 * time.Millisecond)
	s.left.Store(true)
	return nil, context.Cause(ctx)
}

// TestDrainWaitsForWhatItCuts: who is told that serving is over closes what the requests use. A client that has sent much
// more than its request is one whose leaving is not seen.
func TestDrainWaitsForWhatItCuts(t *testing.T) {
	f := &slowToLeave{Fleet: fakefleet.New(), asked: make(chan struct{})}
	addr, stop, served := serve(t, config(f), 10*time.Millisecond)
	defer stop()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	writeAsk(t, conn, streamed)
	<-f.asked
	fmt.Fprint(conn, strings.Repeat("G", 8<<10))
	// Nothing tells when the server has read it; where it has not yet, less is tested and nothing fails.
	time.Sleep(20 * time.Millisecond)
	stop()
	if err := <-served; err != nil || !f.left.Load() {
		t.Errorf("serving is over (%v) and its last request is not", err)
	}
}

// TestConnectionsAreBounded: who opens connections and asks nothing cannot use up the files of the process. What is closed
// for a new one is what was quiet for longest, never one with an answer under way.
func TestConnectionsAreBounded(t *testing.T) {
	f := fakefleet.New()
	f.Step = make(chan struct{})
	cfg := config(f)
	cfg.MaxConns = 3
	addr, stop, served := serve(t, cfg, time.Minute)
	go func() { f.Step <- struct{}{} }()
	resp := post(t, t.Context(), "http://"+addr, streamed)
	defer resp.Body.Close()
	var quiet []net.Conn
	for range 5 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		quiet = append(quiet, conn)
	}
	for i, conn := range slices.Backward(quiet) { // once the last is answered, all were accepted
		fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if answered := strings.Contains(line, "200"); answered != (i >= 3) {
			t.Errorf("connection %d of 5, where there are 2 beside the stream: %q", i+1, line)
		}
	}
	close(f.Step)
	if data, err := io.ReadAll(resp.Body); err != nil || !strings.HasSuffix(string(data), "data: [DONE]\n\n") {
		t.Errorf("the stream: %v, %q", err, data)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// probed tells when it is asked whether it is ready.
type probed struct {
	*fakefleet.Fleet
	asked chan struct{}
}

func (p *probed) Ready(context.Context) error {
	p.asked <- struct{}{}
	return nil
}

// TestStrangersHoldNothing: who has no key, and announces a body that does not come, keeps neither a slot nor a connection from others.
func TestStrangersHoldNothing(t *testing.T) {
	f := &probed{fakefleet.New(), make(chan struct{})}
	cfg := config(f)
	cfg.MaxInFlight, cfg.MaxConns = 1, 2
	refused, known := make(chan struct{}), cfg.Keys
	cfg.Keys = func(secret string) (openai.KeyInfo, error) {
		if secret == "none" {
			refused <- struct{}{}
		}
		return known(secret)
	}
	addr, stop, served := serve(t, cfg, 0)
	defer func() { stop(); <-served }()
	for _, o := range []struct {
		request string
		seen    chan struct{}
	}{{"GET /readyz", f.asked}, {"POST /v1/chat/completions", refused}, {"POST /v1/chat/completions", refused}} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer none\r\nContent-Length: 100\r\n\r\n", o.request)
		<-o.seen
		resp := post(t, t.Context(), "http://"+addr, streamed)
		if raw, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("another client while %s waits for its body: %d %s, %v", o.request, resp.StatusCode, raw, err)
		}
		resp.Body.Close()
		http.DefaultClient.CloseIdleConnections()
	}
}

// closing tells when it is closed. To ask its port would not do: another process may be given it at once.
type closing struct {
	net.Listener
	once   sync.Once
	closed chan struct{}
}

func (c *closing) Close() error {
	err := c.Listener.Close()
	c.once.Do(func() { close(c.closed) })
	return err
}

// TestDrain: when the context ends, streams under way finish, and those that do not in time are cut.
func TestDrain(t *testing.T) {
	for _, inTime := range []bool{true, false} {
		f := fakefleet.New()
		f.Step = make(chan struct{})
		server, err := openai.NewServer(config(f))
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln := &closing{Listener: tcp, closed: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		drain := time.Minute
		if !inTime {
			drain = 10 * time.Millisecond
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(ctx, ln, drain) }()
		go func() { f.Step <- struct{}{} }()
		resp := post(t, t.Context(), "http://"+ln.Addr().String(), streamed)
		stop()
		<-ln.closed
		if inTime {
			close(f.Step)
		}
		data, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if whole := err == nil && strings.HasSuffix(string(data), "data: [DONE]\n\n"); whole != inTime {
			t.Errorf("in time %v: %v, %q", inTime, err, data)
		}
		if err := <-served; err != nil {
			t.Errorf("in time %v: Serve = %v", inTime, err)
		}
		if f.Closed.Load() != 1 {
			eventually(t, "the reply is closed", func() bool { return f.Closed.Load() == 1 })
		}
	}
}

// TestBrokenBodies: who sends a body that cannot be read, or stops in it, still hears an answer to read.
func TestBrokenBodies(t *testing.T) {
	f := fakefleet.New()
	srv := httptest.NewServer(openai.NewHandler(config(f)))
	defer srv.Close()
	for body, code := range map[string]string{
		"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}": "invalid_body", "Transfer-Encoding: chunked\r\n\r\n5\r\n{}": "body_incomplete",
		"Content-Length: 100\r\n\r\n{}": "body_incomplete", "Content-Length: 100\r\n\r\n": "body_incomplete",
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s", testKey, body)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%q: %v, want an answer", body, err)
			conn.Close()
			continue
		}
		raw, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(raw), `"code":"`+code+`"`) || !resp.Close {
			t.Errorf("%q: %v %s, %v; want 400 %s, and the connection closed", body, resp.Status, raw, err, code)
		}
		conn.Close()
	}
	if n := len(f.Requests()); n != 0 {
		t.Errorf("%d requests reached the fleet", n)
	}
}
