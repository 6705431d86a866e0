package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"flotilla/node/postgres/pgtest"
)

// asProxy makes this test binary be a bare reverse proxy of the URL in it: the least that a gateway in Go can cost.
const asProxy = "FLOTILLA_TEST_AS_PROXY"

const (
	benchRound  = 2 * time.Second
	benchRounds = 5
	benchEvents = 20 // of a stream
)

// subject is one way to the mock model server.
type subject struct {
	name, url, key string
	model          string            // default: testModel
	fresh          bool              // every prompt is another
	header         map[string]string // of each request
	pids           []int             // processes whose work it is; none for the direct way
	ready          time.Duration     // from its start to the first answer, of those that only forward
}

// sample is one round of one subject.
type sample struct {
	p50, p99, first time.Duration
	perSecond       float64
	cpu             time.Duration // per request, of the subject's processes
	failed          int
}

// TestGatewayBench prints what a gateway adds to a model server that takes no time, seen from the client, in interleaved
// rounds (make bench-gateway). Nothing passes or fails by the clock.
func TestGatewayBench(t *testing.T) {
	if os.Getenv("FLOTILLA_BENCH_GATEWAY") == "" {
		t.Skip("set FLOTILLA_BENCH_GATEWAY=1 to measure (make bench-gateway)")
	}
	mock := httptest.NewServer(http.HandlerFunc(instantModel))
	t.Cleanup(mock.Close)
	f := newFleet(t)
	f.startGateway(benchFlags...)
	boots := f.boot
	var sharing *peer
	if os.Getenv("FLOTILLA_BENCH_POSTGRES") != "" {
		sharing = f.newPeer("birch")
		boots += "," + f.startPeer(sharing, pgtest.Start(t, "fsync=on").Database(), benchFlags...)
	}
	op := f.startBenchOperator(mock.URL, boots)
	f.waitServing(1)
	ours, both := []int{f.gateway.cmd.Process.Pid}, []int{f.gateway.cmd.Process.Pid, op.cmd.Process.Pid}
	subjects := []subject{
		{name: "direct", url: mock.URL}, startProxy(t, mock.URL),
		{name: "flotilla, model named", url: "http://" + f.http, key: testKey, pids: ours},
		{name: "  CPU with its operator", url: "http://" + f.http, key: testKey, pids: both},
		{name: "flotilla, auto, new prompts", url: "http://" + f.http, key: testKey, pids: ours, model: "auto", fresh: true},
	}
	if sharing != nil {
		s := subject{name: "flotilla, keys in PostgreSQL", url: "http://" + sharing.http, key: testKey, pids: []int{sharing.process.cmd.Process.Pid}}
		s.firstAnswer(t, time.Now(), sharing.process.out)
		subjects = append(subjects, s)
	}
	if dir := os.Getenv("FLOTILLA_BENCH_PEERS"); dir != "" {
		subjects = append(subjects, peerSubjects(t, dir, mock.URL)...)
	}
	for _, c := range []struct {
		clients int
		stream  bool
	}{{1, false}, {1, true}, {32, false}, {32, true}} {
		samples := make([][]sample, len(subjects))
		for range benchRounds {
			for i, s := range subjects {
				samples[i] = append(samples[i], s.round(t, c.clients, c.stream))
			}
		}
		printBench(c.clients, c.stream, subjects, samples)
	}
	fmt.Println()
	for _, s := range subjects[1:] {
		fmt.Printf("%-32s %4d MB of its own after the rounds", s.name, s.resident()>>20)
		if s.ready > 0 {
			fmt.Printf(", ready %.1f s after its start", s.ready.Seconds())
		}
		fmt.Println()
	}
	f.gateway.kill()
	began := time.Now()
	f.startGateway(benchFlags...)
	health := f.firstHealth(began)
	fmt.Printf("flotilla after kill -9: listens %.2f s after its start, answers after %.2f s, when its operator has dialled it again\n",
		health.Seconds(), subjects[2].firstAnswer(t, began, f.gateway.out).Seconds())
}

// benchFlags are a gateway's that settles nothing meanwhile.
var benchFlags = []string{"--settle-every", "1h", "--lane-deposit", "100", "--embedder", "static"}

// startBenchOperator starts the operator in front of the mock model server.
func (f *fleet) startBenchOperator(model, boots string) *process {
	return f.start("alder", "operator", "--backend", model, "--price", "*=1/2", "--stake", "50", "--bootstrap", boots, "--chain-poll", "300ms", "--concurrency", "64")
}

// firstHealth waits until the gateway listens, and says how long after began that was.
func (f *fleet) firstHealth(began time.Time) time.Duration {
	f.t.Helper()
	for time.Since(began) < patience {
		if resp, err := http.Get("http://" + f.http + "/healthz"); err == nil {
			_ = resp.Body.Close()
			return time.Since(began)
		}
		time.Sleep(5 * time.Millisecond)
	}
	f.t.Fatalf("the gateway does not listen: %s", f.gateway.out)
	return 0
}

// instantModel answers at once: 384 bytes of JSON or 20 events.
func instantModel(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/chat/completions" {
		fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model"}]}`, testModel)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if !bytes.Contains(body, []byte(`"stream":true`)) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"x","object":"chat.completion","created":1,"model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":20,"total_tokens":29}}`, testModel, strings.Repeat("word ", 30))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range benchEvents {
		fmt.Fprintf(w, "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":%q,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word%d \"}}]}\n\n", testModel, i)
		w.(http.Flusher).Flush()
	}
	fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":20}}\n\ndata: [DONE]\n\n")
}

// runProxy serves until it is killed; it reads the body first, since net/http would cut streams otherwise (golang/go#40747).
func runProxy(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
}

func startProxy(t *testing.T, target string) subject {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asProxy+"="+target)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return subject{name: "bare Go reverse proxy", url: "http://" + strings.TrimSpace(addr), pids: []int{cmd.Process.Pid}}
}

// round sends requests from so many clients for a while.
func (s subject) round(t *testing.T, clients int, stream bool) sample {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex // guards took, first, failed, last
	var took, first []time.Duration
	failed, last := 0, error(nil)
	cpu, began := s.cpu(), time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), benchRound+30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for time.Since(began) < benchRound {
				start := time.Now()
				chunk, err := s.once(ctx, client, stream)
				mu.Lock()
				if err != nil {
					failed, last = failed+1, err
				} else {
					took, first = append(took, time.Since(start)), append(first, chunk)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(began)
	if len(took) == 0 {
		t.Fatalf("%s: no request was answered: %v", s.name, last)
	}
	slices.Sort(took)
	slices.Sort(first)
	return sample{
		p50: took[len(took)/2], p99: took[len(took)*99/100], first: first[len(first)/2], perSecond: float64(len(took)) / elapsed.Seconds(),
		cpu: (s.cpu() - cpu) / time.Duration(len(took)), failed: failed,
	}
}

// once sends one request and reads the answer, which must be whole; it returns the time to the first byte.
func (s subject) once(ctx context.Context, client *http.Client, stream bool) (first time.Duration, err error) {
	prompt := "hello there"
	if s.fresh {
		prompt = fmt.Sprintf("what is %d plus %d", rand.IntN(1<<30), rand.IntN(1<<30))
	}
	body := fmt.Sprintf(`{"model":%q,"stream":%v,"max_tokens":50,"messages":[{"role":"user","content":%q}]}`, cmp.Or(s.model, testModel), stream, prompt)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/json")
	for name, value := range s.header {
		req.Header.Set(name, value)
	}
	start := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	if _, err := r.Peek(1); err != nil {
		return 0, err
	}
	first = time.Since(start)
	raw, err := io.ReadAll(r)
	if err == nil && (resp.StatusCode != http.StatusOK || stream && !bytes.HasSuffix(raw, []byte("[DONE]\n\n"))) {
		err = fmt.Errorf("%s: not whole: %.200s", resp.Status, raw)
	}
	return first, err
}

// clockTick is Linux's unit of CPU time in /proc.
const clockTick = 10 * time.Millisecond

// cpu that the subject's processes have used.
func (s subject) cpu() time.Duration {
	var sum time.Duration
	for _, pid := range s.pids {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		for _, at := range []int{11, 12} { // utime, stime
			n, _ := strconv.Atoi(fields[at])
			sum += time.Duration(n) * clockTick
		}
	}
	return sum
}

// resident memory of the subject's processes, in bytes, without mapped files.
func (s subject) resident() (sum int) {
	for _, pid := range s.pids {
		sum += anonymousMemory(pid)
	}
	return sum
}

// anonymousMemory is what a process holds of memory for itself, in bytes: heap and stacks. Its program and the database's
// mapped files are the page cache's, which takes them back when memory is short.
func anonymousMemory(pid int) int { return statusBytes(pid, "RssAnon:") }

// statusBytes is a figure that Linux gives of a process in kB.
func statusBytes(pid int, name string) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(raw), name)
	line, _, _ = strings.Cut(line, "kB")
	kib, _ := strconv.Atoi(strings.TrimSpace(line))
	return kib << 10
}

// median of one figure over the rounds.
func median[T cmp.Ordered](samples []sample, of func(sample) T) T {
	var all []T
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func printBench(clients int, stream bool, subjects []subject, samples [][]sample) {
	what := "not streamed"
	if stream {
		what = fmt.Sprintf("%d events", benchEvents)
	}
	fmt.Printf("\n%-32s %9s %9s %11s %11s %11s %9s %9s %7s\n", fmt.Sprintf("%d client(s), %s", clients, what),
		"p50", "p99", "added p50", "added p99", "first byte", "CPU/req", "req/s", "failed")
	p50 := func(s sample) time.Duration { return s.p50 }
	p99 := func(s sample) time.Duration { return s.p99 }
	us := func(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1e3) }
	for i, s := range subjects {
		of := samples[i]
		failed := 0
		for _, r := range of {
			failed += r.failed
		}
		fmt.Printf("%-32s %9s %9s %11s %11s %11s %9s %9.0f %7d\n", s.name, us(median(of, p50)), us(median(of, p99)),
			us(median(of, p50)-median(samples[0], p50)), us(median(of, p99)-median(samples[0], p99)),
			us(median(of, func(s sample) time.Duration { return s.first })), us(median(of, func(s sample) time.Duration { return s.cpu })),
			median(of, func(s sample) float64 { return s.perSecond }), failed)
	}
}
