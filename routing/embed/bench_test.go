package embed

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"flotilla/routing/embed/internal/kernel"
)

// benchmarkEmbed runs a text of the given number of tokens, [CLS] and [SEP] included, on every set of kernels.
func benchmarkEmbed(b *testing.B, tokens int) {
	text := strings.TrimSpace(strings.Repeat("hello ", tokens-2))
	for _, set := range kernel.All() {
		b.Run(set.Name, func(b *testing.B) {
			m, err := newMiniLM(set)
			if err != nil {
				b.Fatal(err)
			}
			if n := len(m.tokenizer.Encode(text, 256)); n != tokens {
				b.Fatalf("text has %d tokens, want %d", n, tokens)
			}
			for b.Loop() {
				if _, err := m.Embed(context.Background(), text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEmbed8(b *testing.B)   { benchmarkEmbed(b, 8) }
func BenchmarkEmbed64(b *testing.B)  { benchmarkEmbed(b, 64) }
func BenchmarkEmbed256(b *testing.B) { benchmarkEmbed(b, 256) }

// BenchmarkLoad measures NewMiniLM, sha256 check included, and reports the heap that stays.
func BenchmarkLoad(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var m *MiniLM
	for b.Loop() {
		var err error
		if m, err = NewMiniLM(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "heap-MiB")
	runtime.KeepAlive(m)
}

// BenchmarkHostileText shows that text without end costs no more than 256 tokens.
func BenchmarkHostileText(b *testing.B) {
	m, err := NewMiniLM()
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"word1MiB":     strings.Repeat("x", 1<<20),
		"accents1MiB":  strings.Repeat("é", 1<<19),
		"marks1MiB":    strings.Repeat("\u0301", 1<<19),
		"controls1MiB": strings.Repeat("\x01", 1<<20),
		"words80kB":    strings.Repeat("abc ", 20000),
		"words1MiB":    strings.Repeat("abc ", 1<<18),
	} {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Embed(context.Background(), text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
