package openai_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

func TestProviderObject(t *testing.T) {
	usd := func(micro uint64) *uint64 { return &micro }
	for body, want := range map[string]openai.Provider{
		`{}`: {}, `null`: {},
		`{"order":["0xA"],"only":["0xA","0xB/x"],"ignore":[],"allow_fallbacks":false}`: {Order: []string{"0xA"}, Only: []string{"0xA", "0xB/x"}, Ignore: []string{}, NoFallbacks: true},
		`{"sort":"latency","quantizations":["fp8","Q4_K_M","unknown"]}`:                {Sort: openai.SortLatency, Quantizations: []string{"fp8", "Q4_K_M", "unknown"}},
		`{"max_price":{"prompt":1,"completion":"2.5","request":0}}`:                    {MaxPrice: openai.MaxPrice{Prompt: usd(1_000_000), Completion: usd(2_500_000), Request: usd(0)}},
		`{"max_price":{"prompt":1E+1,"completion":"2.5e0","request":5e-05}}`:           {MaxPrice: openai.MaxPrice{Prompt: usd(10_000_000), Completion: usd(2_500_000), Request: usd(50)}},
		`{"data_collection":"allow","zdr":false,"allow_fallbacks":true,"sort":null}`:   {},
		`{"require_parameters":true}`:                                                  {RequireParameters: true, Parameters: []string{"logit_bias"}},
	} {
		got := parsed(t, `{"model":"auto","logit_bias":{"1":2},"temperature":0,"user":null,"provider":`+body+`,`+ask+`}`)
		if diff := cmp.Diff(want, got.Provider); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
	for members, want := range map[string][]string{`"encoding_format":"base64","user":"u"`: nil, `"dimensions":2`: {"dimensions"}} {
		f := fakefleet.New()
		do(t, config(f), http.MethodPost, "/v1/embeddings", `{"model":"`+model+`","input":"a",`+members+`,"provider":{"require_parameters":true}}`)
		if diff := cmp.Diff(want, f.Requests()[0].Provider.Parameters); diff != "" {
			t.Errorf("embeddings with %s: %s", members, diff)
		}
	}
	for _, body := range []string{
		`[]`, `"0xA"`, `{"oder":["0xA"]}`, `{"order":"0xA"}`, `{"only":[1]}`, `{"sort":"speed"}`, `{"sort":{"by":"price"}}`, `{"quantizations":["int5"]}`,
		`{"max_price":3}`, `{"max_price":{"prompt":-1}}`, `{"max_price":{"prompt":-1e-5}}`, `{"max_price":{"prompt":1e999}}`, `{"max_price":{"prompt":1e7}}`, `{"max_price":{"image":1}}`, `{"max_price":{"prompt":"cheap"}}`, `{"allow_fallbacks":"no"}`,
		`{"data_collection":"deny"}`, `{"zdr":true}`, `{"enforce_distillable_text":true}`,
	} {
		w := do(t, config(fakefleet.New()), http.MethodPost, "/v1/chat/completions", `{"model":"auto","provider":`+body+`,`+ask+`}`)
		if e := apiError(t, w); w.Code != http.StatusBadRequest || e["param"] != "provider" {
			t.Errorf("%s: %d %s, want 400 for provider", body, w.Code, w.Body)
		}
	}
}
