package durable_test

import (
	"crypto/rand"
	"testing"

	"flotilla/internal/durable"
)

// BenchmarkHas looks for rows among 200,000, of which 40,000 are large.
func BenchmarkHas(b *testing.B) {
	s, err := durable.Open(b.TempDir(), durable.Options{MemtableBytes: 4 << 20, CacheBytes: 4 << 20, Name: "test"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	key := func(prefix string) []byte {
		id := make([]byte, 32)
		_, _ = rand.Read(id)
		return append([]byte(prefix), id...)
	}
	large := make([]byte, 2000)
	var held [][]byte
	for range 40_000 {
		err := s.UpdateSoon(func(batch *durable.Batch) error {
			k := key("rcp/")
			held = append(held, k)
			_ = batch.Set(k, large, nil)
			for _, prefix := range []string{"lrx/", "new/", "pnd/", "seq/"} {
				_ = batch.Set(key(prefix), nil, nil)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	batch := s.NewBatch()
	defer batch.Close()
	for name, next := range map[string]func(i int) []byte{
		"absent": func(int) []byte { return key("rcp/") }, "present": func(i int) []byte { return held[i*7919%len(held)] },
		"new": func(int) []byte { return held[len(held)-1] },
	} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if has, err := durable.Has(batch, next(i)); err != nil || has != (name != "absent") {
					b.Fatal(has, err)
				}
			}
		})
	}
}
