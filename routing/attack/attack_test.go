package attack

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPlacementsKeepThePromptAndTheGadgetInOrder(t *testing.T) {
	for _, where := range []placement{prefix, bothEnds, interleaved} {
		rapid.Check(t, func(t *rapid.T) {
			word := func(stem string) *rapid.Generator[[]string] {
				return rapid.Custom(func(t *rapid.T) []string {
					return slices.Repeat([]string{stem}, rapid.IntRange(1, 40).Draw(t, stem))
				})
			}
			text, gadget := word("p").Draw(t, "text"), word("g").Draw(t, "gadget")
			placed := strings.Fields(where.place(gadget, strings.Join(text, " ")))
			left := slices.DeleteFunc(slices.Clone(placed), func(w string) bool { return w == "g" })
			if len(placed) != len(text)+len(gadget) || len(left) != len(text) {
				t.Fatalf("%s of %d words in %d: %v", where.name, len(gadget), len(text), placed)
			}
		})
	}
}

func TestTyposKeepTheLetters(t *testing.T) {
	l := &lab{seed: 1}
	text := strings.Repeat("the quick brown fox ", 20)
	got := typos(text, l.rng(1))
	a, b := []rune(text), []rune(got)
	slices.Sort(a)
	slices.Sort(b)
	if got == text || !slices.Equal(a, b) {
		t.Errorf("became %q", got)
	}
}

// letters embeds a text by its letters: enough for a climb to have something to climb on.
type letters struct{}

func (letters) Embed(_ context.Context, text string) ([]float32, error) {
	v := make([]float32, 64)
	for _, w := range strings.Fields(text) {
		h := fnv.New32a()
		h.Write([]byte(w))
		v[h.Sum32()%64]++
	}
	return unit(append(v[:63], 1)), nil
}
func (letters) ID() string { return "letters" }
func (letters) Dim() int   { return 64 }

// side prefers dear for texts whose vector leans to one side.
type side struct{ l *lab }

func (side) name() string               { return "side" }
func (side) texts(text string) []string { return []string{text} }
func (s side) score(ctx context.Context, text string) (float64, error) {
	v, err := s.l.Embed(ctx, text)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, x := range v {
		if i < 32 {
			sum += float64(x)
		} else {
			sum -= float64(x)
		}
	}
	return sum, nil
}
func (side) pick(context.Context, string, uint32) (int, error) { return 0, nil }

func TestClimbRaisesTheScoreAndIsRepeatable(t *testing.T) {
	climb := func() (gadget []string, gain float64) {
		l := &lab{embedder: letters{}, encoder: letters{}, seed: 3, vectors: map[string][]float32{}, words: strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z")}
		target := side{l}
		gadget, err := l.climb(context.Background(), target, prefix, l.words, effort{rounds: 30, tries: 6, patience: 30}, 1, l.rng(9))
		if err != nil {
			t.Fatal(err)
		}
		before, _ := target.score(context.Background(), strings.Join(draw(l.words, gadgetWords, l.rng(9)), " "))
		after, _ := target.score(context.Background(), strings.Join(gadget, " "))
		return gadget, after - before
	}
	first, gain := climb()
	second, _ := climb()
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the same seed gave another gadget:\n%s", diff)
	}
	if !(gain > 0) {
		t.Errorf("the climb gained %v", gain)
	}
}

func TestMeasuresOfWhatAnAttackDid(t *testing.T) {
	by := []outcome{
		{wasDear: false, isDear: true, flipped: true, cost: 9, cleanCost: 1, words: 10},
		{wasDear: false, isDear: false, cost: 1, cleanCost: 1, words: 50},
		{wasDear: true, isDear: false, flipped: true, cost: 1, cleanCost: 9, words: 100},
		{wasDear: true, isDear: true, cost: 9, cleanCost: 9, words: 100},
	}
	got := []float64{upgraded(by), downgraded(by), flipped(by), inflation(by), upgraded(nil)}
	if diff := cmp.Diff([]float64{0.5, 0.5, 0.5, 1, 0}, got); diff != "" {
		t.Error(diff)
	}
	s := &suite{lab: &lab{seed: 1}}
	ci := s.excessCI(&counts{by}, &counts{by}, upgraded)
	if ci != [2]float64{0, 0} {
		t.Errorf("excess over itself %v", ci)
	}
	if ci := s.excessCI(&counts{by}, nil, upgraded); !(ci[0] <= 0.5 && ci[1] >= 0.5) || math.IsNaN(ci[0]) {
		t.Errorf("interval %v does not hold the share", ci)
	}
}

func TestBarsThatAreMissedAreNamed(t *testing.T) {
	r := Report{
		Results: []Result{
			{Router: nameDefended, Family: "A2", Excess: 0.2, Inflation: 1.1}, {Router: nameDefended, Family: "A6", Excess: 0.2, Inflation: 1.2},
			{Router: nameOpen, Family: "A6", Excess: 0.9, Inflation: 3}, {Router: nameDefended, Family: "A9", Excess: 0.9, Inflation: 3},
		},
		AccuracyLost: 0.02, AccuracyLostCI: [2]float64{-0.01, 0.05}, PriceChanges: 1, PriceRoutes: 10,
	}
	r.finish(Options{Quick: true, Seed: 7})
	if diff := cmp.Diff([]string{"known families", "cost inflation", "price manipulation"}, r.Missed); diff != "" {
		t.Error(diff)
	}
	lines := strings.Split(strings.TrimSpace(r.Text()), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "attack: known +20 points") || !strings.Contains(last, "MISSED: known families, cost inflation, price manipulation") {
		t.Errorf("last line %q", last)
	}
	// More is lost than the bar, but that may be chance: the line must not look like a bar that was missed and passed over.
	r = Report{AccuracyLost: 0.006, AccuracyLostCI: [2]float64{-0.008, 0.018}}
	r.finish(Options{})
	if text := r.Text(); !strings.Contains(text, "clean accuracy lost +0.6 (-0.8 … +1.8; bar 0.5, by the whole interval)") || !strings.Contains(text, "all bars held") {
		t.Errorf("%q", text)
	}
	if raw, err := json.Marshal(r); err != nil || !strings.Contains(string(raw), `"missed":[]`) {
		t.Errorf("%s: %v", raw, err)
	}
}
