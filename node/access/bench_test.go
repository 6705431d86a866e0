package access_test

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"

	"flotilla/node/access"
	"flotilla/node/access/accesstest"
)

// BenchmarkVisit is all that a request costs here: found, admitted, its maximum held, charged, gone. Parallel requests are
// of one key.
func BenchmarkVisit(b *testing.B) {
	s := open(b, b.TempDir(), access.Options{})
	secret, _ := accesstest.Create(b, s, access.Terms{Budget: 1e12, RequestsPerMinute: 1e12, TokensPerMinute: 1e12, Concurrent: 1e6})
	var serial atomic.Uint64
	visit := func() {
		k, err := s.Find(secret)
		if err != nil {
			b.Fatal(err)
		}
		v, err := s.Enter(context.Background(), k.ID)
		if err != nil {
			b.Fatal(err)
		}
		if err := v.AskTokens(context.Background(), 1000); err != nil {
			b.Fatal(err)
		}
		var r access.Receipt
		binary.BigEndian.PutUint64(r[:], serial.Add(1))
		h, err := s.Hold(context.Background(), k.ID, r, 100)
		if err != nil {
			b.Fatal(err)
		}
		if err := h.Charge(50); err != nil {
			b.Fatal(err)
		}
		v.UsedTokens(500)
		v.Leave()
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			visit()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				visit()
			}
		})
	})
}
