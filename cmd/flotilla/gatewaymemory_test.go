package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestGatewayMemory prints what a gateway holds of memory for itself in the course of 100,000 requests with the model named,
// every other one streamed, from 32 clients (make bench-gateway MEMORY=1). Its encoder is loaded and has nothing to do.
func TestGatewayMemory(t *testing.T) {
	if os.Getenv("FLOTILLA_BENCH_MEMORY") == "" {
		t.Skip("set FLOTILLA_BENCH_MEMORY=1 to measure (make bench-gateway MEMORY=1)")
	}
	mock := httptest.NewServer(http.HandlerFunc(instantModel))
	t.Cleanup(mock.Close)
	f := newFleet(t)
	f.startGateway(benchFlags...)
	f.startBenchOperator(mock.URL, f.boot)
	f.waitServing(1)
	ours := subject{url: "http://" + f.http, key: testKey, pids: []int{f.gateway.cmd.Process.Pid}}
	const parts, each = 10, 10_000
	fmt.Printf("%7d requests: %3d MB\n", 0, ours.resident()>>20)
	for part := range parts {
		began := time.Now()
		failed := ours.send(t, 32, each)
		fmt.Printf("%7d requests: %3d MB (%.0f a second, %d failed)\n", (part+1)*each, ours.resident()>>20, each/time.Since(began).Seconds(), failed)
	}
}

// send sends so many requests from so many clients, and says how many failed.
func (s subject) send(t *testing.T, clients, requests int) (failed int64) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var next, bad atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(requests); n = next.Add(1) {
				if _, err := s.once(ctx, client, n%2 == 0); err != nil {
					bad.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return bad.Load()
}
