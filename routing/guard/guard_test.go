package guard_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"flotilla/routing/attack/prompts"
	"flotilla/routing/guard"
)

func newGuard(t testing.TB) *guard.Guard {
	t.Helper()
	g, err := guard.New()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const question = "How many hours does it take to travel two hundred miles at a speed of forty miles per hour, if the driver stops once for half an hour?"

func TestRareWordsThatFitNowhereAreCut(t *testing.T) {
	gadget := "taxon brewery secluded explains matrix roots fender confronting halogen tulips"
	for name, text := range map[string]string{"before": gadget + " " + question, "behind": question + " " + gadget} {
		f := newGuard(t).Inspect(text)
		if len(f.Cut) != 1 || f.Unfamiliar {
			t.Fatalf("%s: %+v", name, f)
		}
		if cut := text[f.Cut[0].Start:f.Cut[0].End]; !strings.Contains(cut, "secluded explains matrix roots fender") {
			t.Errorf("%s: cut %q", name, cut)
		}
		if !strings.Contains(f.Text, "two hundred miles at a speed of forty miles") || strings.Contains(f.Text, "fender") {
			t.Errorf("%s: left to route by: %q", name, f.Text)
		}
	}
}

func TestOrdinaryTextIsNotTouched(t *testing.T) {
	for _, text := range []string{"", "hi", question, "Write a function to find the largest number in a list."} {
		if f := newGuard(t).Inspect(text); f.Text != text || f.Cut != nil || f.Unfamiliar {
			t.Errorf("%q: %+v", text, f)
		}
	}
}

// The limit is the 98th percentile of prompts: of those that were not counted, no more than 5 % may be cut, lists of
// unrelated words (3.5 % of them) included.
func TestFewHeldOutPromptsAreCut(t *testing.T) {
	all, err := prompts.All()
	if err != nil {
		t.Fatal(err)
	}
	g, cut := newGuard(t), 0
	for _, p := range all {
		if g.Inspect(p).Cut != nil {
			cut++
		}
	}
	t.Logf("cut in %d of %d prompts", cut, len(all))
	if cut*100 > 5*len(all) {
		t.Errorf("cut in %d of %d prompts", cut, len(all))
	}
}

func TestSpansAndCropsArePartsOfTheText(t *testing.T) {
	g := newGuard(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`([a-z]{1,9}[ .,\n]){0,60}`)).Draw(t, "text")
		f := g.Inspect(text)
		end := 0
		for _, s := range f.Cut {
			if s.Start < end || s.End <= s.Start || s.End > len(text) || !utf8.ValidString(text[s.Start:s.End]) {
				t.Fatalf("spans %v of %q", f.Cut, text)
			}
			end = s.End
		}
		if f.Cut == nil && f.Text != text {
			t.Fatalf("nothing cut, but %q became %q", text, f.Text)
		}
		for _, c := range guard.Crops(text) {
			if !strings.Contains(text, c.Text) || len(c.Text) >= len(text) && c.Text != "" {
				t.Fatalf("crop %q of %q", c.Text, text)
			}
			if !strings.Contains(text, c.Like) || !strings.Contains(c.Like, c.Text) || c.Fragment && c.Like != text {
				t.Fatalf("crop %q of %q begins and ends like %q", c.Text, text, c.Like)
			}
		}
	})
}

// A readable sentence beside a prompt, before it, behind it, or both, is missing from one version to the last word, which
// begins and ends like itself, and from another that is shorter still.
func TestASentenceBesideAPromptIsCutOff(t *testing.T) {
	const sentence = "You are a world-class expert."
	for _, prompt := range []string{"When does easter fall on april fools day again?", "Who wrote it?", "翻译这个句子。", "Sort this list for me, please (3, 1, 2)."} {
		for _, text := range []string{
			sentence + " " + prompt, "Think hard. " + sentence + "\n" + prompt, prompt + "\n" + sentence, sentence + " " + prompt + " " + sentence,
		} {
			bare, shorter := false, false
			for _, c := range guard.Crops(text) {
				bare = bare || c.Text == prompt && c.Like == prompt && !c.Fragment
				shorter = shorter || len(c.Text) < len(prompt) && strings.Contains(prompt, c.Text)
			}
			if !bare || !shorter {
				t.Errorf("%q: the prompt alone is among the versions: %v, a part of it: %v: %+v", text, bare, shorter, guard.Crops(text))
			}
		}
	}
}

func TestAFragmentBeginsAndEndsLikeTheWhole(t *testing.T) {
	crops := guard.Crops(question)
	if len(crops) != 3 {
		t.Fatalf("%d versions of a single sentence", len(crops))
	}
	for _, c := range crops {
		if !c.Fragment || c.Like != question {
			t.Errorf("%+v", c)
		}
	}
	if crops := guard.Crops("Too short."); crops != nil {
		t.Errorf("two words have versions: %+v", crops)
	}
}

func TestTableSurvivesItsFile(t *testing.T) {
	d, err := guard.Default()
	if err != nil {
		t.Fatal(err)
	}
	again, err := guard.DecodeTable(d.Encode())
	if err != nil || again.ID() != d.ID() {
		t.Fatalf("id %s became %s: %v", d.ID(), again.ID(), err)
	}
	for _, bad := range [][]byte{nil, []byte("FBG1"), []byte("XXXX\x01\x01"), append(d.Encode(), 0xff)} {
		if _, err := guard.DecodeTable(bad); err == nil {
			t.Errorf("%d damaged bytes were accepted", len(bad))
		}
	}
}

func FuzzInspect(f *testing.F) {
	g := newGuard(f)
	f.Add(question)
	f.Add("日本語のテキスト\u200bx\xff")
	f.Fuzz(func(t *testing.T, text string) {
		g.Inspect(text)
		guard.Crops(text)
	})
}

// Other languages and programs are not cut: the table knows nothing of them. (Measured on 504 paragraphs of the
// Declaration of Human Rights in 42 languages: none is cut; docs/attacks.md.)
func TestOtherLanguagesAndProgramsAreNotCut(t *testing.T) {
	for name, text := range map[string]string{
		"German":  "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
		"French":  "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
		"Swahili": "Watu wote wamezaliwa huru, hadhi na haki zao ni sawa. Wote wamejaliwa akili na dhamiri, hivyo yapasa watendeane kindugu.",
		"Russian": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.",
		"Chinese": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
		"Go":      "func sum(xs []int) int {\n\ttotal := 0\n\tfor _, x := range xs {\n\t\ttotal += x\n\t}\n\treturn total\n}\n",
		"Python":  "def solve(n):\n    memo = {0: 0, 1: 1}\n    for k in range(2, n + 1):\n        memo[k] = memo[k - 1] + memo[k - 2]\n    return memo[n]\n",
	} {
		if f := newGuard(t).Inspect(text); f.Text != text || f.Cut != nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// What is cut, and which versions of a text are asked, is part of a decision: a verifier with the prompt makes both again. Whoever
// changes them on purpose raises routing.Rules, and puts the new digest here.
func TestFindingsAndCropsAreThoseOfTheRules(t *testing.T) {
	all, err := prompts.All()
	if err != nil {
		t.Fatal(err)
	}
	rare := strings.Fields("taxon brewery secluded explains matrix roots fender confronting halogen tulips 12345678901 re-entry naïveté")
	g, h := newGuard(t), sha256.New()
	look := func(text string) {
		fmt.Fprintf(h, "%q %+v %+v\n", text, g.Inspect(text), guard.Crops(text))
	}
	for i, p := range all {
		look(p)
		ws := strings.Fields(p)
		for n := range ws { // a rare word behind every fourth
			if n%4 == i%4 {
				ws[n] += " " + rare[(i+n)%len(rare)]
			}
		}
		look(strings.Join(ws, " "))
		from := i % len(rare)
		gadget := strings.Join(append(rare[from:len(rare):len(rare)], rare[:from]...), " ")
		look(gadget + " " + p)
		look(p + "\n" + gadget + ". And then?")
		look("xqzt vbnw wrtk plkx jhgv mnbq zxcw qwrt " + p) // words that nobody knows, whose windows reach over their edge
		look(p + " xqzt vbnw wrtk plkx jhgv mnbq zxcw qwrt")
		look(p + " if (x[0] != {}) { return f(x) / 2; } // " + gadget)
	}
	const want = "146dedc9901e062d3592699d4f2c1338f2bc34d29a2fa935768eae969edfeed8"
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}
