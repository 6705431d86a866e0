package openai_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flotilla/node/openai/internal/fakefleet"
)

// FuzzOtherRoutes: whatever the body, text completions and embeddings answer with JSON of their own shape or a 4xx in
// OpenAI's, and what a completion sends on is a chat.
func FuzzOtherRoutes(f *testing.F) {
	for _, s := range []string{
		`{"model":"auto","prompt":"x"}`, `{"model":"auto","prompt":["x"],"stream":true,"n":2}`, `{"model":"flotilla/tiny","input":["a",""]}`,
		`{"model":"flotilla/tiny","input":"a","encoding_format":"base64"}`, `{"model":"auto","prompt":"x","Prompt":"y","messages":[]}`, `{"prompt":[1],"input":[[1]]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{"/v1/completions", "/v1/embeddings"} {
			cfg := withEmbeddings()
			w := do(t, cfg, http.MethodPost, path, string(body))
			if w.Code != http.StatusOK {
				if apiError(t, w); w.Code < 400 || w.Code > 499 {
					t.Fatalf("%s: status %d: %s", path, w.Code, w.Body)
				}
			}
			for _, req := range cfg.Completer.(*fakefleet.Fleet).Requests() {
				var sent struct {
					Prompt   json.RawMessage
					Messages []struct{ Role, Content string }
				}
				if err := json.Unmarshal(req.Body, &sent); err != nil || sent.Prompt != nil || len(sent.Messages) != 1 || sent.Messages[0].Role != "user" {
					t.Errorf("sent on: %s (%v)", req.Body, err)
				}
			}
		}
	})
}

// TestAbuse: each kind of hostile client gets a clear 4xx or loses its connection, and others are served meanwhile.
func TestAbuse(t *testing.T) {
	addr, stop, served := serve(t, withEmbeddings(), time.Second)
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	dial := func(first string) net.Conn {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, first); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	others := func(during string) {
		t.Helper()
		resp := post(t, t.Context(), "http://"+addr, streamed)
		defer resp.Body.Close()
		if raw, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || !strings.HasSuffix(string(raw), "data: [DONE]\n\n") {
			t.Errorf("another client during %s: %d, %v", during, resp.StatusCode, err)
		}
	}
	head := "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + testKey + "\r\n"

	for range 200 {
		dial(head + "X-Slow: ") // a header that never ends
	}
	others("200 slow headers")
	for range 200 {
		dial(head + "Content-Length: 1000\r\n\r\n{") // a body that never ends
	}
	others("200 slow bodies")

	flood := dial(head + strings.Repeat("X-Flood: "+strings.Repeat("a", 1000)+"\r\n", 60) + "\r\n")
	if err := flood.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(flood), nil); err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a flood of headers: %v, %v", resp, err)
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"10 MB":         {`{"model":"auto","messages":[{"role":"user","content":"` + strings.Repeat("x", 10<<20) + `"}]}`, 413},
		"deep arrays":   {strings.Repeat("[", 1<<20), 400},
		"deep objects":  {strings.Repeat(`{"a":`, 1<<18) + "1" + strings.Repeat("}", 1<<18), 400},
		"deep content":  {`{"model":"auto","messages":[{"role":"user","content":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}]}`, 400},
		"invalid UTF-8": {"{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}", 400},
		"wide":          {`{"model":"auto"` + strings.Repeat(`,"x":1`, 5000) + `}`, 400},
	} {
		w := httptest.NewRecorder()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("http://%s/v1/chat/completions", addr), strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+testKey)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, err = io.Copy(w.Body, resp.Body)
		resp.Body.Close()
		var answer struct {
			Error struct{ Message, Code string }
		}
		if jsonErr := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || jsonErr != nil || resp.StatusCode != c.status || answer.Error.Code == "" {
			t.Errorf("%s: %d %.200s (%v), want %d", name, resp.StatusCode, w.Body, err, c.status)
		}
		if strings.Contains(answer.Error.Message, "xxxx") {
			t.Errorf("%s: the answer repeats the prompt", name)
		}
		others(name)
	}
}
