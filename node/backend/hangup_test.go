package backend_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"flotilla/node/backend"
)

// hangsUp is a model server that answers one request a connection, does not say so, and closes it when the next one comes: as
// llama.cpp's does when its count or its patience is up just then.
func hangsUp(t *testing.T) (url string, served *atomic.Int32) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	served = new(atomic.Int32)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for first := true; ; first = false {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					if !first {
						return
					}
					served.Add(1)
					const body = `{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`
					fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String(), served
}

// TestServerHangsUpOnAnIdleConnection: the request is sent again on a new one, once, and its client does not see it.
func TestServerHangsUpOnAnIdleConnection(t *testing.T) {
	url, served := hangsUp(t)
	b, err := backend.New(url, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		s, err := b.Chat(t.Context(), []byte(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`), false)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if ev, err := s.Next(t.Context()); err != nil || ev.Text != "hi" {
			t.Fatalf("request %d: %q, %v", i, ev.Text, err)
		}
		for err == nil {
			_, err = s.Next(t.Context())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := served.Load(); n != 5 {
		t.Errorf("%d answers were made for 5 requests", n)
	}
}
