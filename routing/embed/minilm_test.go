package embed

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"flotilla/routing/embed/internal/kernel"
)

type golden struct {
	Text   string    `json:"text"`
	IDs    []int32   `json:"ids"`
	Vector []float32 `json:"vector"`
}

func readGolden(t *testing.T) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []golden
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 10 {
		t.Fatalf("only %d golden rows", len(rows))
	}
	return rows
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return dot / math.Sqrt(aa*bb)
}

func TestGolden(t *testing.T) {
	m, err := newMiniLM(kernel.Best())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range readGolden(t) {
		got, err := m.Embed(context.Background(), g.Text)
		if err != nil {
			t.Fatal(err)
		}
		ids := m.tokenizer.Encode(g.Text, 256)
		t.Logf("%.6f %v %.30q", cosine(got, g.Vector), len(ids) == len(g.IDs), g.Text)
		for i := range ids {
			if i >= len(g.IDs) || ids[i] != g.IDs[i] {
				t.Errorf("%q: ids %v, want %v", g.Text, ids, g.IDs)
				break
			}
		}
	}
}
