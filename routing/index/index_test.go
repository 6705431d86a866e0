package index_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"flotilla/routing/catalogue"
	"flotilla/routing/embed"
	"flotilla/routing/form"
	"flotilla/routing/index"

	"pgregory.net/rapid"
)

const dim = 24

func unit(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	sum := 0.0
	for i := range v {
		x := rng.NormFloat64()
		v[i] = float32(x)
		sum += x * x
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

func randomIndex(t testing.TB, seed uint64, rows, dim int) (*index.Index, [][]float32) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	b, err := index.NewBuilder("test-embedder", dim)
	if err != nil {
		t.Fatal(err)
	}
	models := []string{"gemma-2-9b-it", "llama-3.1-8b-instruct", "qwen2.5-72b-instruct", "smollm2-135m-instruct"}
	var vectors [][]float32
	for range rows {
		r := index.Row{Vector: unit(rng, dim), Source: []string{"a", "b"}[rng.IntN(2)]}
		for _, m := range models[:1+rng.IntN(len(models))] {
			r.Outcomes = append(r.Outcomes, index.Outcome{Model: m, Score: rng.Float64(), OutputTokens: uint32(rng.IntN(2000))})
		}
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
		vectors = append(vectors, r.Vector)
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return x, vectors
}

func TestEncodedIndexReadsBackTheSame(t *testing.T) {
	x, vectors := randomIndex(t, 1, 60, dim)
	data := x.Encode()
	y, err := index.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if y.ID() != x.ID() || y.EmbedderID() != "test-embedder" || y.Len() != 60 || y.Outlier() != x.Outlier() || y.Generation() != 1 {
		t.Errorf("decoded %s %d rows, outlier %d; built %s, outlier %d", y.ID(), y.Len(), y.Outlier(), x.ID(), x.Outlier())
	}
	if !bytes.Equal(y.Encode(), data) {
		t.Error("encoding is not canonical")
	}
	for i := range x.Len() {
		if !slices.Equal(x.Cells(i), y.Cells(i)) || x.Source(i) != y.Source(i) || x.Ease(i) != y.Ease(i) {
			t.Fatalf("row %d differs", i)
		}
	}
	a, b := hits(t, x, vectors[7], 20), hits(t, y, vectors[7], 20)
	if !slices.Equal(a, b) {
		t.Errorf("searches differ: %v, %v", a, b)
	}
}

func hits(t testing.TB, x *index.Index, v []float32, k int) []index.Hit {
	t.Helper()
	s, err := x.Scan(v)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	return s.Top(nil, k)
}

// What is far from all rows is told by how far the rows are from one another; of five or fewer nothing can be told.
func TestOutliersAreMeasuredAmongTheRows(t *testing.T) {
	for _, n := range []int{1, index.OutlierNeighbors, index.OutlierNeighbors + 1, 120} {
		x, _ := randomIndex(t, uint64(n), n, dim)
		var means []int32
		for i := range n {
			others := slices.DeleteFunc(hits(t, x, x.Vector(i), n), func(h index.Hit) bool { return h.Row == i })
			means = append(means, index.MeanSimilarity(others))
		}
		slices.Sort(means)
		want := means[n/50]
		if n <= index.OutlierNeighbors {
			want = 0
		}
		if got := x.Outlier(); got != want {
			t.Errorf("%d rows: %d, want %d", n, got, want)
		}
	}
}

func TestAnyChangedByteIsNoticed(t *testing.T) {
	x, _ := randomIndex(t, 2, 8, dim)
	data := x.Encode()
	for i := range data {
		bad := slices.Clone(data)
		bad[i] ^= 0x10
		if _, err := index.Decode(bad); !errors.Is(err, index.ErrCorrupt) && !errors.Is(err, index.ErrVersion) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	for n := range data {
		if _, err := index.Decode(data[:n]); !errors.Is(err, index.ErrCorrupt) && !errors.Is(err, index.ErrVersion) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

// A file whose checksum is right may still come from nobody's Builder: without rows there is nothing to judge or to search.
func TestIndexWithoutRowsIsRefused(t *testing.T) {
	data := []byte("FIDX\x01\x00\x04\x00" + // version, values per vector
		"\x01\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + // generation, outlier, rows
		"\x01\x00e" + "\x00\x00" + "\x00\x00") // embedder, models, sources
	sum := sha256.Sum256(data)
	x, err := index.Decode(append(data, sum[:]...))
	if err == nil {
		x.Health()
	}
	if !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("%v, want ErrCorrupt", err)
	}
}

// Nor does what such a file numbers have to be there.
func TestForgedFilesAreRefused(t *testing.T) {
	const head, names, vector, row = "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x01\x00\x00\x00", // generation, outlier, rows
		"\x01\x00e" + "\x02\x00\x01\x00m\x01\x00n" + "\x01\x00\x01\x00s", // embedder, two models, a source
		"\x7f\x00", "\x00\x00\x02\x00" + "\x00\x00\xff\x00" + "\x01\x00\xff\x00" // source, outcomes; of each model one
	for name, c := range map[string]struct {
		values, rest string
		ok           bool
	}{
		"nothing forged":      {"\x02\x00", head + names + vector + row, true},
		"values of none":      {"\x00\x00", head + names + row, false},
		"too many values":     {"\x01\x10", head + names + strings.Repeat("\x7f", index.MaxDim+1) + row, false},
		"models out of order": {"\x02\x00", head + strings.Replace(names, "m", "z", 1) + vector + row, false},
		"models of one name":  {"\x02\x00", head + strings.Replace(names, "m", "n", 1) + vector + row, false},
		"no direction":        {"\x02\x00", head + names + "\x00\x00" + row, false},
		"no such source":      {"\x02\x00", head + names + vector + "\x01" + row[1:], false},
		"no outcomes":         {"\x02\x00", head + names + vector + "\x00\x00\x00\x00", false},
		"no such model":       {"\x02\x00", head + names + vector + row[:8] + "\x02" + row[9:], false},
		"a model twice":       {"\x02\x00", head + names + vector + row[:8] + "\x00" + row[9:], false},
		"a byte too many":     {"\x02\x00", head + names + vector + row + "\x00", false},
		"a byte too few":      {"\x02\x00", head + names + vector + row[:len(row)-1], false},
	} {
		data := []byte("FIDX\x01\x00" + c.values + c.rest)
		sum := sha256.Sum256(data)
		if _, err := index.Decode(append(data, sum[:]...)); (err == nil) != c.ok || err != nil && !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nor does a Builder give two sources one name, of which a delta would know the last only.
func TestSourcesOfOneNameAreRefused(t *testing.T) {
	b, err := index.NewBuilder("e", 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"aaaa", "bbbb"} {
		if err := b.Add(index.Row{Vector: []float32{1, 0}, Source: source, Outcomes: []index.Outcome{{Model: "m", Score: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	data := x.Encode()
	body := bytes.Replace(data[:len(data)-sha256.Size], []byte("bbbb"), []byte("aaaa"), 1)
	sum := sha256.Sum256(body)
	if _, err := index.Decode(append(body, sum[:]...)); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("%v, want ErrCorrupt", err)
	}
}

func TestScanFindsTheExactNeighborsInAnyOrderOfAddition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, vectors := randomIndex(t, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 80).Draw(rt, "rows"), dim)
		q := unit(rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "query"), 2)), dim)
		k := rapid.IntRange(0, 90).Draw(rt, "k")
		got := hits(t, x, q, k)
		if want := min(k, x.Len()); len(got) != want {
			rt.Fatalf("%d hits, want %d", len(got), want)
		}
		for i := 1; i < len(got); i++ {
			a, b := got[i-1], got[i]
			if a.Similarity < b.Similarity || a.Similarity == b.Similarity && a.Row > b.Row {
				rt.Fatalf("hits %v before %v", a, b)
			}
		}
		for _, h := range got {
			exact := 0.0
			for j := range q {
				exact += float64(q[j]) * float64(vectors[h.Row][j])
			}
			if d := float64(h.Similarity)/index.SimilarityOne - exact; math.Abs(d) > 0.01 {
				rt.Fatalf("row %d: similarity off by %v", h.Row, d)
			}
		}
	})
}

// The claim behind replay: sums of products are exact, so the order of summation cannot matter.
func TestSimilarityDoesNotDependOnTheOrderOfDimensions(t *testing.T) {
	for _, d := range []int{1, 7, 384, 1024, 4096} {
		rng := rand.New(rand.NewPCG(uint64(d), 3))
		perm := rng.Perm(d)
		extreme := make([]float32, d) // all components at the peak: the largest sums there can be
		for i := range extreme {
			extreme[i] = float32(1 / math.Sqrt(float64(d)))
		}
		for _, v := range [][]float32{unit(rng, d), extreme} {
			shuffled := make([]float32, d)
			for i, p := range perm {
				shuffled[i] = v[p]
			}
			if a, b := selfSimilarity(t, v), selfSimilarity(t, shuffled); a != b {
				t.Errorf("dim %d: %d in one order, %d in another", d, a, b)
			}
		}
	}
}

func selfSimilarity(t *testing.T, v []float32) int32 {
	t.Helper()
	b, err := index.NewBuilder("e", len(v))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add(index.Row{Vector: v, Outcomes: []index.Outcome{{Model: "m", Score: 1}}}); err != nil {
		t.Fatal(err)
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	s := hits(t, x, v, 1)[0].Similarity
	if math.Abs(float64(s)/index.SimilarityOne-1) > 0.001 {
		t.Errorf("a vector's similarity to itself is %d of %d", s, index.SimilarityOne)
	}
	return s
}

func TestTopOfLooksOnlyAtTheModelsRows(t *testing.T) {
	x, vectors := randomIndex(t, 5, 50, dim)
	m, ok := x.Model("smollm2-135m-instruct")
	if !ok {
		t.Fatal("no rows")
	}
	s, err := x.Scan(vectors[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	got := s.TopOf(nil, m, 1000)
	if len(got) != x.RowsOf(m) {
		t.Errorf("%d hits, the model has %d rows", len(got), x.RowsOf(m))
	}
	for _, h := range got {
		if _, ok := x.Cell(h.Row, m); !ok {
			t.Errorf("row %d has no outcome of the model", h.Row)
		}
	}
}

// Wherever an outcome is looked for first, it is found where it is.
func TestCellIsFoundFromAnyPlace(t *testing.T) {
	x, _ := randomIndex(t, 5, 50, dim)
	for i := range x.Len() {
		cells := x.Cells(i)
		for at, want := range cells {
			for likely := range len(cells) + 2 {
				if c, place := x.CellAt(i, int(want.Model), likely); c != want || place != at {
					t.Fatalf("row %d, model %d, looked for at %d: %v at %d, want %v at %d", i, want.Model, likely, c, place, want, at)
				}
			}
		}
	}
}

func TestImportMergesAndRefusesAnotherEmbedder(t *testing.T) {
	x, _ := randomIndex(t, 6, 10, dim)
	y, _ := randomIndex(t, 7, 5, dim)
	b, _ := index.NewBuilder("test-embedder", dim)
	for _, part := range []*index.Index{x, y} {
		if err := b.Import(part); err != nil {
			t.Fatal(err)
		}
	}
	z, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if z.Len() != 15 || z.Generation() != 1 || z.ID() == x.ID() {
		t.Errorf("merged: %d rows, generation %d", z.Len(), z.Generation())
	}
	for i := range y.Len() { // rows keep their outcomes though model numbers may move
		for _, c := range y.Cells(i) {
			m, _ := z.Model(y.Models()[c.Model])
			if got, ok := z.Cell(10+i, m); !ok || got.Score != c.Score || got.Length != c.Length {
				t.Fatalf("row %d lost %s", i, y.Models()[c.Model])
			}
		}
	}
	other, _ := index.NewBuilder("other-embedder", dim)
	var mismatch *index.EmbedderError
	if err := other.Import(x); !errors.As(err, &mismatch) || mismatch.Index != "test-embedder" || !errors.Is(err, index.ErrEmbedderMismatch) {
		t.Errorf("import with another embedder: %v", err)
	}
}

func TestBadRowsAreRefused(t *testing.T) {
	good := unit(rand.New(rand.NewPCG(1, 1)), dim)
	one := []index.Outcome{{Model: "m", Score: 1}}
	for name, r := range map[string]index.Row{
		"short vector": {Vector: good[:3], Outcomes: one},
		"zero vector":  {Vector: make([]float32, dim), Outcomes: one},
		"NaN vector":   {Vector: append(slices.Clone(good[:dim-1]), float32(math.NaN())), Outcomes: one},
		"no outcome":   {Vector: good},
		"score above":  {Vector: good, Outcomes: []index.Outcome{{Model: "m", Score: 1.01}}},
		"score NaN":    {Vector: good, Outcomes: []index.Outcome{{Model: "m", Score: math.NaN()}}},
		"no name":      {Vector: good, Outcomes: []index.Outcome{{Score: 1}}},
		"twice":        {Vector: good, Outcomes: []index.Outcome{{Model: "m"}, {Model: "m"}}},
	} {
		b, _ := index.NewBuilder("e", dim)
		if err := b.Add(r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Two models of equal skill, one asked only hard questions: its raw mean is far lower, its ability must not be.
func TestAbilityIsCorrectedForTheEaseOfTheQuestions(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	b, _ := index.NewBuilder("e", dim)
	for i := range 600 {
		easy := i%2 == 0
		p := map[bool]float64{true: 0.8, false: 0.3}[easy]
		draw := func() float64 {
			if rng.Float64() < p {
				return 1
			}
			return 0
		}
		o := []index.Outcome{{Model: "qwen2-7b-instruct", Score: draw()}, {Model: "llama-3-8b-instruct", Score: draw()}}
		if !easy {
			o = append(o, index.Outcome{Model: "llama-3.1-8b-instruct", Score: draw()})
		}
		if err := b.Add(index.Row{Vector: unit(rng, dim), Outcomes: o}); err != nil {
			t.Fatal(err)
		}
	}
	x, _ := b.Build()
	everywhere, _ := x.Model("llama-3-8b-instruct")
	hardOnly, _ := x.Model("llama-3.1-8b-instruct")
	if d := x.Ability(everywhere) - x.Ability(hardOnly); math.Abs(d) > 0.12 {
		t.Errorf("ability %.3f everywhere, %.3f on hard questions only (raw means differ by .25)", x.Ability(everywhere), x.Ability(hardOnly))
	}
}

func TestDefaultIndexFitsTheDefaultEmbedderAndHoldsCanonicalModels(t *testing.T) {
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	m, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	if err := x.CheckEmbedder(form.Join(m).ID()); err != nil {
		t.Fatal(err)
	}
	if size := len(x.Encode()); size > 10<<20 {
		t.Errorf("default index has %d bytes, at most 10 MiB may be shipped", size)
	}
	if x.Len() < 6000 || x.Outlier() < index.SimilarityOne/10 {
		t.Errorf("%d rows, outlier %d", x.Len(), x.Outlier())
	}
	for _, id := range x.Models() {
		if c := catalogue.Parse(id); c.ID != id || c.Unknown {
			t.Errorf("model %q: catalogue says %+v", id, c)
		}
	}
	big, _ := x.Model("llama-3.1-405b-instruct")
	small, _ := x.Model("gemma-2-2b-it")
	if x.Ability(big) <= x.Ability(small) {
		t.Errorf("405 B rated %v, 2 B %v", x.Ability(big), x.Ability(small))
	}
}

func FuzzDecode(f *testing.F) {
	x, _ := randomIndex(f, 3, 6, 4)
	f.Add(x.Encode(), false)
	f.Add(x.Encode(), true)
	f.Add([]byte("FIDX"), true)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal { // a valid checksum, so that the parser behind it is reached
			sum := sha256.Sum256(data)
			data = append(slices.Clone(data), sum[:]...)
		}
		x, err := index.Decode(data)
		if err != nil {
			return
		}
		if !bytes.Equal(x.Encode(), data) {
			t.Fatal("a decoded index encodes differently")
		}
		if x.Len() > 0 {
			v := make([]float32, x.Dim())
			v[0] = 1
			hits(t, x, v, 3)
		}
	})
}
