package cache

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const forever = time.Duration(1<<63 - 1)

func anyOrigin(Origin) bool { return true }

func whole(text, finish string) Answer {
	raw, _ := json.Marshal(text)
	return Answer{Pieces: []json.RawMessage{json.RawMessage(fmt.Sprintf(
		`{"id":"a","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":%s},"finish_reason":%q}],"usage":{"prompt_tokens":3}}`, raw, finish))}}
}

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newCache() (*Cache, *clock) {
	k := &clock{time.Unix(1_800_000_000, 0)}
	return New(2, k.now), k
}

func keep(t testing.TB, c *Cache, key string, q Question, vector []float32, a Answer, life time.Duration) {
	t.Helper()
	a.Origin.At = c.now()
	if !c.Keep(key, q, vector, a, life) {
		t.Fatal("the answer was not kept")
	}
}

func TestFind(t *testing.T) {
	c, k := newCache()
	q := read(t, plainBody)
	a := whole("Paris", "stop")
	a.Origin = Origin{Model: "m1", CostMicroUSD: 7}
	keep(t, c, "key_a", q, nil, a, time.Hour)
	find := func(key string, maxAge time.Duration, accept func(Origin) bool) bool {
		hit, ok := c.Find(key, q, false, maxAge, accept)
		if ok {
			c.Gave(hit)
		}
		return ok
	}
	if find("key_b", forever, anyOrigin) {
		t.Error("found on another key's shelf")
	}
	if find("key_a", forever, func(o Origin) bool { return o.Model != "m1" }) {
		t.Error("given although it was not accepted")
	}
	k.at = k.at.Add(10 * time.Minute)
	if find("key_a", time.Minute, anyOrigin) {
		t.Error("given although it is too old for the request")
	}
	if !find("key_a", forever, anyOrigin) {
		t.Error("not found")
	}
	k.at = k.at.Add(time.Hour)
	if find("key_a", forever, anyOrigin) {
		t.Error("found after its time")
	}
	want := Stats{ExactHits: 1, Kept: 1, Dropped: 1, SavedMicroUSD: 7}
	if d := cmp.Diff(want, c.Stats()); d != "" {
		t.Error(d)
	}
}

// By meaning an answer is found on the key's own shelf only, in its own group, near enough, and with the same marks.
func TestFindSimilar(t *testing.T) {
	c, _ := newCache()
	ask := func(text string) Question {
		return read(t, strings.Replace(plainBody, "What is the capital of France?", text, 1))
	}
	keep(t, c, "key_a", ask("What is 1 + 1?"), []float32{1, 0}, whole("2", "stop"), time.Hour)
	keep(t, c, "key_a", ask("How are you?"), []float32{0, 1}, whole("Fine", "stop"), time.Hour)
	for _, o := range []struct {
		key, text string
		vector    []float32
		want      string
	}{
		{"key_a", "How do you do?", []float32{0.02, 1}, "Fine"},
		{"key_b", "How do you do?", []float32{0.02, 1}, ""},
		{"key_a", "How do you do?", []float32{0.5, 1}, ""},
		{"key_a", "What is 1 + 2?", []float32{1, 0}, ""},
		{"key_a", "What's 1 + 1?", []float32{1, 0}, "2"},
		{"key_a", "What's 1 + 1?", []float32{0, 0}, ""},
	} {
		hit, ok := c.FindSimilar(o.key, ask(o.text), o.vector, 0.97, false, forever, anyOrigin)
		if ok != (o.want != "") || ok && !strings.Contains(string(hit.Pieces[0]), `"`+o.want+`"`) {
			t.Errorf("%+v: %s, %v", o, hit.Pieces, ok)
		}
		if ok && !(hit.Similar && hit.Similarity >= 0.97 && hit.Similarity <= 1) {
			t.Errorf("similar: %v, similarity %v", hit.Similar, hit.Similarity)
		}
	}
	other := read(t, strings.Replace(plainBody, "Be brief.", "Be rude.", 1))
	if _, ok := c.FindSimilar("key_a", other, []float32{0, 1}, 0.97, false, forever, anyOrigin); ok {
		t.Error("found under another system text")
	}
}

func TestWhatIsKept(t *testing.T) {
	chunk := func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, o := range map[string]struct {
		a    Answer
		want bool
	}{
		"stop":        {whole("a", "stop"), true},
		"tool call":   {whole("a", "tool_calls"), true},
		"cut":         {whole("a", "length"), false},
		"filtered":    {whole("a", "content_filter"), false},
		"no end":      {Answer{Pieces: []json.RawMessage{chunk(`{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":null}]}`)}}, false},
		"no choices":  {Answer{Pieces: []json.RawMessage{chunk(`{"choices":[]}`)}}, false},
		"no JSON":     {Answer{Pieces: []json.RawMessage{chunk(`oops`)}}, false},
		"an error":    {Answer{Pieces: []json.RawMessage{chunk(`{"choices":[{"index":0,"finish_reason":"stop"}]}`), chunk(`{"error":{"message":"x"}}`)}}, false},
		"nothing":     {Answer{}, false},
		"half of two": {Answer{Stream: true, Pieces: []json.RawMessage{chunk(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"},{"index":1,"delta":{"content":"b"},"finish_reason":null}]}`)}}, false},
		"too large":   {whole(strings.Repeat("a", MaxAnswer), "stop"), false},
	} {
		c, _ := newCache()
		if got := c.Keep("k", read(t, plainBody), nil, o.a, time.Hour); got != o.want {
			t.Errorf("%s: kept %v", name, got)
		}
	}
}

// Whatever is put in and taken out: no bound is passed, the sums are right, and nothing leads to what is gone.
func TestBounds(t *testing.T) {
	sizes := []Answer{whole("a", "stop"), whole(strings.Repeat("a", 1000), "stop"), whole(strings.Repeat("a", 30_000), "stop")}
	rapid.Check(t, func(t *rapid.T) {
		c, k := newCache()
		c.most, c.mostAKey = 200_000, 100_000
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			key := fmt.Sprint("key", rapid.IntRange(0, 5).Draw(t, "key"))
			q, _ := Read([]byte(fmt.Sprintf(`{"model":"m%d","messages":[{"role":"user","content":"t%d"}]}`,
				rapid.IntRange(0, 2).Draw(t, "model"), rapid.IntRange(0, 30).Draw(t, "text"))), nil)
			vector := []float32{float32(rapid.IntRange(0, 3).Draw(t, "x")), float32(rapid.IntRange(0, 3).Draw(t, "y"))}
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				c.Find(key, q, false, forever, anyOrigin)
			case 1:
				c.FindSimilar(key, q, vector, 0.9, true, forever, anyOrigin)
			case 2:
				k.at = k.at.Add(time.Minute)
			default:
				a := rapid.SampledFrom(sizes).Draw(t, "answer")
				a.Origin.At = k.at
				c.Keep(key, q, vector, a, 5*time.Minute)
			}
			checkSums(t, c)
		}
	})
}

func checkSums(t *rapid.T, c *Cache) {
	all := 0
	for _, s := range c.shelves.Values() {
		bytes, near, grouped := 0, 0, 0
		for _, e := range s.entries.Values() {
			bytes += e.bytes
			if e.near {
				near++
				if s.byRow[int(e.row)] != e {
					t.Fatal("a row leads to another entry")
				}
			}
		}
		for _, rows := range s.groups {
			grouped += len(rows)
		}
		if bytes != s.bytes || near != grouped || near != len(s.byRow) || s.bytes > c.mostAKey {
			t.Fatalf("%d bytes counted as %d, %d entries by meaning, %d in groups, %d by row", bytes, s.bytes, near, grouped, len(s.byRow))
		}
		all += bytes
	}
	if all != c.bytes || all > c.most {
		t.Fatalf("%d bytes counted as %d, at most %d", all, c.bytes, c.most)
	}
}

// One key cannot push another's answers out before its own.
func TestOneKeyHasItsShare(t *testing.T) {
	c, _ := newCache()
	first := read(t, plainBody)
	keep(t, c, "small", first, nil, whole("a", "stop"), time.Hour)
	big := whole(strings.Repeat("a", MaxAnswer-200), "stop")
	for i := range 40 {
		keep(t, c, "big", read(t, fmt.Sprintf(`{"n":%d}`, i)), nil, big, time.Hour)
	}
	if _, ok := c.Find("small", first, false, forever, anyOrigin); !ok {
		t.Error("another key's answers pushed it out")
	}
	if s := c.Stats(); s.Bytes > maxKeyBytes+2*entryBytes {
		t.Errorf("one key takes %d bytes", s.Bytes)
	}
	for i := range 10 {
		for j := range 16 {
			keep(t, c, fmt.Sprint("big", i), read(t, fmt.Sprintf(`{"n":%d}`, j)), nil, big, time.Hour)
		}
	}
	if s := c.Stats(); s.Bytes > maxBytes {
		t.Errorf("all take %d bytes", s.Bytes)
	}
}

func BenchmarkFind(b *testing.B) {
	c, _ := newCache()
	body := []byte(plainBody)
	q, _ := Read(body, nil)
	keep(b, c, "k", q, nil, whole("Paris", "stop"), time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		q, _ := Read(body, nil)
		if _, ok := c.Find("k", q, false, forever, anyOrigin); !ok {
			b.Fatal("not found")
		}
	}
}
