package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	for _, same := range [][]string{
		{`{"a":1,"b":[true,null]}`, ` { "b" : [ true , null ] , "a" : 1 } `, "{\"b\":[true,null],\n\"a\":1.0}"},
		{`1`, `1.0`, `10e-1`, `0.1E+1`, `1000000e-6`},
		{`0`, `-0`, `0.000`, `0e7`},
		{`-12.5`, `-1.25e1`, `-125e-1`},
		{`"é"`, `"\u00e9"`}, {`"a/b"`, `"a\/b"`}, {`"𝄞"`, `"\ud834\udd1e"`}, {`"<"`, `"\u003c"`},
	} {
		want, err := canonical([]byte(same[0]))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range same[1:] {
			if got, err := canonical([]byte(text)); err != nil || string(got) != string(want) {
				t.Errorf("%s is %s (%v), want %s", text, got, err, want)
			}
		}
	}
	seen := map[string]string{}
	for _, text := range []string{
		`9007199254740993`, `9007199254740992`, `1e400`, `1e401`, `"1"`, `1`, `true`, `"true"`, `null`, `"null"`, `[1]`, `[[1]]`, `{"a":1}`, `["a",1]`,
		`0.1`, `0.10000000000000001`, `{"a":null}`, `{}`, `[]`, `1e99999999999999999999`, `-1`, `"a b"`, `"a  b"`, `"é"`, `"e\u0301"`,
	} {
		got, err := canonical([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if other, ok := seen[string(got)]; ok {
			t.Errorf("%s and %s are the same: %s", text, other, got)
		}
		seen[string(got)] = text
	}
	for _, text := range []string{`{"a":1,"a":1}`, `[{"b":{"a":1,"a":2}}]`, `"\ud834"`, "\"\uFFFD\"", strings.Repeat("[", 100) + strings.Repeat("]", 100), `1 2`} {
		if got, err := canonical([]byte(text)); !errors.Is(err, errAmbiguous) {
			t.Errorf("%s: %s, %v: it is ambiguous", text, got, err)
		}
	}
}

// respell writes a decoded value in another of its spellings.
func respell(out *bytes.Buffer, v any, rng *rand.Rand) {
	space := func() { out.WriteString([]string{"", " ", "\n", "\t "}[rng.IntN(4)]) }
	space()
	switch v := v.(type) {
	case map[string]any:
		names := slices.Collect(maps.Keys(v))
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		out.WriteByte('{')
		for i, name := range names {
			if i > 0 {
				out.WriteByte(',')
			}
			respell(out, name, rng)
			out.WriteByte(':')
			respell(out, v[name], rng)
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			respell(out, e, rng)
		}
		out.WriteByte(']')
	case json.Number:
		out.WriteString(respellNumber(v.String(), rng))
	default:
		raw, _ := json.Marshal(v)
		out.Write(raw) // with HTML characters escaped
	}
	space()
}

// respellNumber moves the point.
func respellNumber(text string, rng *rand.Rand) string {
	if strings.ContainsAny(text, "eE") {
		return text
	}
	if strings.Contains(text, ".") {
		return text + strings.Repeat("0", rng.IntN(3))
	}
	if strings.Trim(text, "-0") == "" {
		return text
	}
	return text + []string{"", ".0", "e0", "E+0", "0e-1", "00.0E-2"}[rng.IntN(6)]
}

// equalValues compares decoded JSON; numbers as rationals where their exponents allow it.
func equalValues(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equalValues)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalValues)
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return false
		}
		x, okX := rational(a.String())
		y, okY := rational(b.String())
		return a == b || okX && okY && x.Cmp(y) == 0
	}
	return a == b
}

func rational(text string) (*big.Rat, bool) {
	return new(big.Rat).SetString(text)
}

func decoded(t *testing.T, raw []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return v
}

// hugeExponent is in what would take a rational of many digits to compare.
var hugeExponent = regexp.MustCompile(`[eE][+-]?[0-9]{5}`)

// Every spelling of a value has one canonical form, and that form still means the value: so two requests with the same form
// mean the same.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","messages":[{"role":"user","content":"a<b\u00e9"}],"temperature":0.70,"seed":9007199254740993,"stop":["\n"]}`,
		`{"a":{"b":[1,2.50,-0,1e3,1E-3]},"":null}`, `[0.000001,1e999999,-1.5e-7]`, `{"a":1,"a":2}`, `"\ud800"`, `1e10000000000`,
	} {
		f.Add([]byte(seed), uint64(1))
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		if !json.Valid(raw) || hugeExponent.Match(raw) {
			t.Skip()
		}
		form, err := canonical(raw)
		if err != nil {
			return // refused
		}
		value := decoded(t, raw)
		if back := decoded(t, form); !equalValues(value, back) {
			t.Fatalf("%q means %v, its form %q means %v", raw, value, form, back)
		}
		if again, err := canonical(form); err != nil || !bytes.Equal(again, form) {
			t.Fatalf("the form of %q is %q, %v", form, again, err)
		}
		var other bytes.Buffer
		respell(&other, value, rand.New(rand.NewPCG(seed, 1)))
		if got, err := canonical(other.Bytes()); err != nil || !bytes.Equal(got, form) {
			t.Fatalf("%q is %q, %v; %q is %q", raw, form, err, other.Bytes(), got)
		}
	})
}
