package openai_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// withEmbeddings embeds a text as its length and a third.
func withEmbeddings() openai.Config {
	cfg := config(fakefleet.New())
	cfg.Embeddings = &openai.EmbeddingModel{ID: "flotilla/tiny", Dim: 2, Embed: func(_ context.Context, text string) ([]float32, error) {
		return []float32{float32(len(text)), 1.0 / 3}, nil
	}}
	return cfg
}

func TestEmbeddings(t *testing.T) {
	cfg := withEmbeddings()
	list := object(t, do(t, cfg, http.MethodPost, "/v1/embeddings", `{"model":"Flotilla/Tiny","input":["a","four"]}`).Body.Bytes())
	data := list["data"].([]any)
	if diff := cmp.Diff(map[string]any{"object": "embedding", "index": 1.0, "embedding": []any{4.0, 0.33333334}}, data[1]); diff != "" {
		t.Errorf("second vector: %s", diff)
	}
	if list["object"] != "list" || list["model"] != "flotilla/tiny" || len(data) != 2 || list["usage"].(map[string]any)["prompt_tokens"] != 2.0 {
		t.Errorf("list: %v", list)
	}
	packed := object(t, do(t, cfg, http.MethodPost, "/v1/embeddings", `{"model":"flotilla/tiny","input":"four","encoding_format":"base64"}`).Body.Bytes())
	raw, err := base64.StdEncoding.DecodeString(packed["data"].([]any)[0].(map[string]any)["embedding"].(string))
	if err != nil || len(raw) != 8 || math.Float32frombits(binary.LittleEndian.Uint32(raw)) != 4 {
		t.Errorf("base64: %x, %v", raw, err)
	}
	entry := object(t, do(t, cfg, http.MethodGet, "/v1/models/flotilla/tiny", "").Body.Bytes())
	if out := entry["architecture"].(map[string]any)["output_modalities"]; !cmp.Equal(out, []any{"embeddings"}) {
		t.Errorf("model: %v", entry)
	}
}

func TestEmbeddingsRefuse(t *testing.T) {
	for body, want := range map[string]struct {
		status int
		param  string
	}{
		`{"input":"a"}`:                {400, "model"},
		`{"model":"auto","input":"a"}`: {404, "model"},
		`{"model":"flotilla/tiny","models":["x"],"input":"a"}`:              {400, "models"},
		`{"model":"flotilla/tiny"}`:                                         {400, "input"},
		`{"model":"flotilla/tiny","input":[]}`:                              {400, "input"},
		`{"model":"flotilla/tiny","input":[1,2]}`:                           {400, "input"},
		`{"model":"flotilla/tiny","input":[[1,2],[3]]}`:                     {400, "input"},
		`{"model":"flotilla/tiny","input":"a","dimensions":1}`:              {400, "dimensions"},
		`{"model":"flotilla/tiny","input":"a","encoding_format":"float16"}`: {400, "encoding_format"},
	} {
		w := do(t, withEmbeddings(), http.MethodPost, "/v1/embeddings", body)
		if e := apiError(t, w); w.Code != want.status || e["param"] != want.param {
			t.Errorf("%s: %d %s, want %d for %s", body, w.Code, w.Body, want.status, want.param)
		}
	}
	for body, param := range map[string]string{
		`{"model":"x","input":[[1],[]]}`: "input", `{"model":"x","input":{"a":1}}`: "input", `{"model":"x","input":[1,-2]}`: "input", `{"model":"x","input":"a","dimensions":"2"}`: "dimensions",
		`{"model":"x","input":"a","provider":{"onyl":[]}}`: "provider",
	} {
		if w := do(t, config(fakefleet.New()), http.MethodPost, "/v1/embeddings", body); w.Code != 400 || apiError(t, w)["param"] != param {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := do(t, config(fakefleet.New()), http.MethodPost, "/v1/embeddings", `{"model":"x","input":"a"}`); w.Code != 404 {
		t.Errorf("without an embedding model: %d", w.Code)
	}
}

// An operator's vectors reach the client in the encoding that it asked for, whichever they came in; what is no vector for
// each input does not.
// What operators are asked to embed may cost no more than the client says, and ids of tokens count as the text that they stand for.
func TestFleetEmbeddingsAreBounded(t *testing.T) {
	for input, want := range map[string]openai.Request{
		`"four"`: {Inputs: 1, LongestInput: 4, PromptBytes: 4}, `["a","four"]`: {Inputs: 2, LongestInput: 4, PromptBytes: 5},
		`[[1,2,3],[4]]`: {Inputs: 2, LongestInput: 12, PromptBytes: 16},
	} {
		f := fakefleet.New()
		do(t, config(f), http.MethodPost, "/v1/embeddings", `{"model":"`+model+`","input":`+input+`}`, "X-Flotilla-Max-Cost", "0.01")
		got := f.Requests()
		if len(got) != 1 {
			t.Fatalf("%s: %d requests", input, len(got))
		}
		want.MaxCostMicroUSD = 10_000
		if diff := cmp.Diff(want, openai.Request{Inputs: got[0].Inputs, LongestInput: got[0].LongestInput, PromptBytes: got[0].PromptBytes, MaxCostMicroUSD: got[0].MaxCostMicroUSD}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", input, diff)
		}
	}
	f := fakefleet.New()
	do(t, config(f), http.MethodPost, "/v1/embeddings", `{"model":"`+model+`","input":[1,2,3]}`)
	if got := f.Requests(); len(got) != 1 || got[0].Inputs != 1 || got[0].PromptBytes < 3 {
		t.Errorf("ids of tokens of one text: %+v", got)
	}
	f = fakefleet.New()
	if w := do(t, config(f), http.MethodPost, "/v1/embeddings", `{"model":"`+model+`","input":"a"}`, "X-Flotilla-Max-Cost", "cheap"); w.Code != 400 || len(f.Requests()) != 0 {
		t.Errorf("a bad limit: %d %s", w.Code, w.Body)
	}
}

func TestFleetEmbeddings(t *testing.T) {
	const packed = `"AACAPwAAAEA="` // 1, 2
	numbers, text := []any{1.0, 2.0}, "AACAPwAAAEA="
	for _, o := range []struct {
		answer, ask string
		want        any // the second vector; nil: 502
	}{
		{`{"data":[{"index":0,"embedding":[3,4]},{"index":1,"embedding":[1,2]}],"x_extra":1,"usage":{"prompt_tokens":7}}`, ``, numbers},
		{`{"data":[{"index":0,"embedding":[3,4]},{"index":1,"embedding":[1,2]}]}`, `,"encoding_format":"base64"`, text},
		{`{"data":[{"embedding":` + packed + `},{"embedding":` + packed + `}]}`, ``, numbers},
		{`{"data":[{"embedding":` + packed + `},{"embedding":` + packed + `}]}`, `,"encoding_format":"base64"`, text},
		{`{"data":[{"embedding":[3,4]}]}`, ``, nil},
		{`{"data":[{"embedding":[3,4]},{"embedding":[1]}]}`, ``, nil},
		{`{"data":[{"embedding":[]},{"embedding":[]}]}`, ``, nil},
		{`{"data":[{"index":1,"embedding":[3]},{"index":0,"embedding":[1]}]}`, ``, nil},
		{`{"data":[{"embedding":"AAA"},{"embedding":"AAA"}]}`, ``, nil},
		{`{"data":[{"embedding":"AACAfw=="},{"embedding":"AACAfw=="}]}`, ``, nil}, // infinite
		{`{"data":{}}`, ``, nil},
		{`{}`, ``, nil},
	} {
		f := fakefleet.New()
		f.Raw = []json.RawMessage{json.RawMessage(o.answer)}
		if err := (openai.Request{Inputs: 2}).CheckAnswer(f.Raw[0]); (err == nil) != (o.want != nil) {
			t.Errorf("%s: %v before it is paid for", o.answer, err)
		}
		if err := (openai.Request{Inputs: 2, Dimensions: 7}).CheckAnswer(f.Raw[0]); err == nil {
			t.Errorf("%s: would be paid for, and has not the length that was asked for", o.answer)
		}
		w := do(t, config(f), http.MethodPost, "/v1/embeddings", `{"model":"`+model+`","input":["a","bcd"]`+o.ask+`,"provider":{"only":["0xabc"]}}`)
		if o.want == nil {
			if w.Code != http.StatusBadGateway || apiError(t, w)["code"] != "bad_answer" {
				t.Errorf("%s: %d %s", o.answer, w.Code, w.Body)
			}
			continue
		}
		list := object(t, w.Body.Bytes())
		data, _ := list["data"].([]any)
		if w.Code != 200 || len(data) != 2 || list["object"] != "list" || list["model"] != model {
			t.Fatalf("%s: %d %s", o.answer, w.Code, w.Body)
		}
		if d := cmp.Diff(map[string]any{"object": "embedding", "index": 1.0, "embedding": o.want}, data[1]); d != "" {
			t.Errorf("%s %s: %s", o.answer, o.ask, d)
		}
		req := f.Requests()[0]
		if req.Inputs != 2 || req.LongestInput != 3 || req.PromptBytes != 4 || strings.Contains(string(req.Body), "provider") || len(req.Provider.Only) != 1 {
			t.Errorf("asked for %+v", req)
		}
		if usage := list["usage"].(map[string]any); usage["prompt_tokens"] == 7.0 || usage["flotilla"] == nil {
			t.Errorf("usage is the operator's, not the bill's: %v", usage)
		}
	}
}
