package rawjson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/rawjson"
)

func TestApplyKeepsOtherBytes(t *testing.T) {
	const in = ` { "z":1.50 , "model" : "a","x":{"model":"inner","q":"}\"]"},"MODEL":"b","gone":[1,{"a":"]"}], "n": 1e2 } `
	obj, err := rawjson.Parse([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	got := string(obj.Apply(
		rawjson.Edit{Key: "model", Value: rawjson.Quote(`m"<1>`)},
		rawjson.Edit{Key: "gone"},
		rawjson.Edit{Key: "stream", Value: json.RawMessage("true")},
	))
	want := `{"z":1.50,"model":"m\"<1>","x":{"model":"inner","q":"}\"]"},"n": 1e2,"stream":true}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("edited object (-want +got):\n%s", diff)
	}
}

func TestApplyToEmptyObject(t *testing.T) {
	obj, err := rawjson.Parse([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(obj.Apply(rawjson.Edit{Key: "a", Value: json.RawMessage("1")}, rawjson.Edit{Key: "b", Value: json.RawMessage("2")})); got != `{"a":1,"b":2}` {
		t.Errorf("got %s", got)
	}
}

func TestGetTakesLastAndDecodesKeys(t *testing.T) {
	obj, err := rawjson.Parse([]byte(`{"a":1,"\u0061":2,"b":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := obj.Get("a"); !ok || string(v) != "2" {
		t.Errorf("Get(a) = %s, %v; want 2", v, ok)
	}
	if obj.Has("b") || !obj.Has("a") || obj.Has("c") {
		t.Error("Has must be true only for members that are there and not null")
	}
}

func TestParseRefuses(t *testing.T) {
	wide := "{" + strings.TrimSuffix(strings.Repeat(`"k":1,`, 1025), ",") + "}"
	for in, want := range map[string]error{
		"": rawjson.ErrSyntax, "{": rawjson.ErrSyntax, `{"a":1}x`: rawjson.ErrSyntax, "<html>": rawjson.ErrSyntax, "{\"a\":\"\xff\"}": rawjson.ErrSyntax,
		"[]": rawjson.ErrNotObject, "1": rawjson.ErrNotObject, "null": rawjson.ErrNotObject, wide: rawjson.ErrTooWide,
		strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000): rawjson.ErrSyntax, // deeper than encoding/json allows
	} {
		if _, err := rawjson.Parse([]byte(in)); !errors.Is(err, want) {
			t.Errorf("Parse(%.20q…) = %v, want %v", in, err, want)
		}
	}
}

// FuzzApply checks against encoding/json: an edit changes exactly the edited members.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"c":[1,2]}, "model":"x"}`))
	f.Add([]byte(`{"":"","A":"\"","a\\":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		obj, err := rawjson.Parse(data)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("Parse accepted what encoding/json refuses: %v", err)
		}
		for k := range want {
			if strings.EqualFold(k, "model") || strings.EqualFold(k, "b") {
				delete(want, k)
			}
		}
		want["model"] = json.RawMessage(`"y"`)
		var got map[string]json.RawMessage
		out := obj.Apply(rawjson.Edit{Key: "model", Value: rawjson.Quote("y")}, rawjson.Edit{Key: "b"})
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("edited object does not parse: %v\n%s", err, out)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func BenchmarkEditChunk(b *testing.B) {
	chunk := []byte(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}`)
	b.ReportAllocs()
	for b.Loop() {
		obj, err := rawjson.Parse(chunk)
		if err != nil {
			b.Fatal(err)
		}
		obj.Apply(rawjson.Edit{Key: "id", Value: json.RawMessage(`"x"`)}, rawjson.Edit{Key: "model", Value: json.RawMessage(`"y"`)})
	}
}
