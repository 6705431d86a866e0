package node

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/routing/embed"
	"flotilla/routing/form"
	"flotilla/routing/guard"
	"flotilla/routing/index"
)

// deciding answers dry runs as a gateway does, for a fleet that never changes. Nothing else of a Completer is used.
type deciding struct {
	openai.Completer
	router *routing.Router
	fleet  []routing.Candidate
}

func (d deciding) Explain(ctx context.Context, req openai.Request) (openai.Explanation, error) {
	prompt, policy := question(req, "gemma-2-9b-it")
	decision, err := d.router.Route(ctx, prompt, d.fleet, policy)
	if err != nil {
		return openai.Explanation{}, asAPIError(err)
	}
	return openai.Explanation{Decision: decision.JSON()}, nil
}

// hashEmbedder gives each text a vector of its own, far faster than the real one.
type hashEmbedder struct{ x *index.Index }

func (e hashEmbedder) ID() string { return e.x.EmbedderID() }
func (e hashEmbedder) Dim() int   { return e.x.Dim() }
func (e hashEmbedder) Embed(_ context.Context, text string) ([]float32, error) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	rng := rand.New(rand.NewPCG(h.Sum64(), 0))
	v := make([]float32, e.Dim())
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v, nil
}

// dryRun returns a function that sends a body to /v1/route and gives the decision's bytes, or nil after a clear refusal:
// a 4xx, or 503 where the request's own limits leave nobody.
func dryRun(t testing.TB, e func(*index.Index) routing.Embedder) (*index.Index, func(t *testing.T, body string) []byte) {
	t.Helper()
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.New(routing.Config{Embedder: e(x), Index: x, Guard: g})
	if err != nil {
		t.Fatal(err)
	}
	var fleet []routing.Candidate
	for i, m := range []routing.ModelID{"llama-3.1-8b-instruct", "gemma-2-9b-it", "qwen2.5-72b-instruct", "mystery"} {
		fleet = append(fleet, routing.Candidate{Operator: "op", Model: m, InputPerMTok: 100_000 << i, OutputPerMTok: 200_000 << i, Tools: true, JSONMode: true, Vision: i != 1})
	}
	h := openai.NewHandler(openai.Config{Completer: deciding{router: r, fleet: fleet}, Keys: func(string) (openai.KeyInfo, error) { return openai.KeyInfo{ID: "key_any"}, nil }})
	return x, func(t *testing.T, body string) []byte {
		t.Helper()
		q := httptest.NewRequest(http.MethodPost, "/v1/route", strings.NewReader(body))
		q.Header.Set("Authorization", "Bearer k")
		q.Header.Set("X-Session-Id", "s")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		if w.Code == http.StatusOK {
			return w.Body.Bytes()
		}
		var e struct {
			Error struct{ Message, Code string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Message == "" || w.Code/100 != 4 && e.Error.Code != "no_capable_operator" {
			t.Fatalf("%.200q: status %d, %s", body, w.Code, w.Body)
		}
		return nil
	}
}

// Whatever a client sends gets a decision that replays, or a clear 4xx.
func FuzzRequestToDecision(f *testing.F) {
	for _, q := range badInputs() {
		f.Add([]byte(q.body[:min(len(q.body), 4096)]))
	}
	f.Add([]byte(`{"model":"llama3.1:8b","max_tokens":4294967295,"tools":[{}],"allowed_models":["llama-*"],"blocked_models":["*"],"default_model":"x","messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[1]},{"role":"tool","content":"b"}]}`))
	x, decide := dryRun(f, func(x *index.Index) routing.Embedder { return hashEmbedder{x} })
	f.Fuzz(func(t *testing.T, body []byte) {
		record := decide(t, string(body))
		if record == nil {
			return
		}
		if err := routing.Replay(t.Context(), record, x); err != nil {
			t.Errorf("%q: %v\n%s", body, err, record)
		}
	})
}

type badInput struct {
	name, body string
	refused    bool
	noText     bool // the decision says so
}

func badInputs() []badInput {
	say := func(content string) string { return `{"messages":[{"role":"user","content":` + content + `}]}` }
	return []badInput{
		{name: "empty prompt", body: say(`""`), noText: true},
		{name: "blank prompt", body: say(`" \n\t "`), noText: true},
		{name: "no content", body: `{"messages":[{"role":"user"}]}`, noText: true},
		{name: "1 MB of words", body: say(`"` + strings.Repeat("lorem ipsum ", 1<<20/12) + `"`)},
		{name: "1 MB without a space", body: say(`"` + strings.Repeat("x", 1<<20) + `"`)},
		{name: "1 MB of combining marks", body: say(`"` + strings.Repeat("\u0301", 1<<19) + `"`)},
		{name: "content parts", body: say(`[{"type":"text","text":"What is 2+2?"},{"type":"text","text":"Show your work."}]`)},
		{name: "no parts", body: say(`[]`), noText: true},
		{name: "images only", body: say(`[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]`), noText: true},
		{name: "an unknown part", body: say(`[{"type":"hologram","data":{}}]`), noText: true},
		{name: "tool results only", body: `{"messages":[{"role":"tool","tool_call_id":"1","content":"42"}]}`, noText: true},
		{name: "a tool loop", body: `{"messages":[{"role":"user","content":"How warm is it?"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"t","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"21"}]}`},
		{name: "a lone surrogate", body: say(`"a\ud800b"`)},
		{name: "control characters", body: say(`"\u0000\u0001\u001b[31m"`)},
		{name: "invalid UTF-8", body: say("\"a\xffb\""), refused: true},
		{name: "a number for content", body: say(`7`), refused: true},
		{name: "an object for content", body: say(`{}`), refused: true},
		{name: "no messages", body: `{"messages":[]}`, refused: true},
		{name: "no JSON", body: `hello`, refused: true},
		{name: "a broken pattern", body: `{"allowed_models":["["],"messages":[{"role":"user","content":"Hi"}]}`, refused: true},
		{name: "a policy of 1 MB", body: `{"blocked_models":["` + strings.Repeat("x", 1<<20) + `"],"messages":[{"role":"user","content":"Hi"}]}`, refused: true},
	}
}

func TestBadInputGetsADecisionOrAClear400(t *testing.T) {
	m, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	x, decide := dryRun(t, func(*index.Index) routing.Embedder { return form.Join(m) })
	for _, q := range badInputs() {
		record := decide(t, q.body)
		if (record == nil) != q.refused {
			t.Errorf("%s: refused %v", q.name, record == nil)
			continue
		}
		if record == nil {
			continue
		}
		d, err := routing.ReadRecord(record)
		if err == nil {
			err = routing.Replay(t.Context(), record, x)
		}
		if err != nil || d.NoText != q.noText || len(record) > 16<<10 {
			t.Errorf("%s: %v, no text %v, record of %d bytes", q.name, err, d.NoText, len(record))
		}
	}
	if len(languages) != 40 {
		t.Errorf("%d languages", len(languages))
	}
	for _, text := range languages {
		body, err := json.Marshal(map[string]any{"messages": []any{map[string]string{"role": "user", "content": text}}})
		if err != nil {
			t.Fatal(err)
		}
		record := decide(t, string(body))
		if record == nil {
			t.Errorf("%s: refused", text)
			continue
		}
		if err := routing.Replay(t.Context(), record, x); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// languages ask the same in forty of them, in 22 scripts.
var languages = []string{
	"What is the capital of France?", "Quelle est la capitale de la France ?", "Was ist die Hauptstadt von Frankreich?", "¿Cuál es la capital de Francia?",
	"Qual é a capital da França?", "Qual è la capitale della Francia?", "Wat is de hoofdstad van Frankrijk?", "Vad är Frankrikes huvudstad?",
	"Hvad er Frankrigs hovedstad?", "Hva er hovedstaden i Frankrike?", "Mikä on Ranskan pääkaupunki?", "Mi Franciaország fővárosa?",
	"Jaka jest stolica Francji?", "Jaké je hlavní město Francie?", "Care este capitala Franței?", "Koji je glavni grad Francuske?",
	"Какая столица Франции?", "Яка столиця Франції?", "Коя е столицата на Франция?", "Ποια είναι η πρωτεύουσα της Γαλλίας;",
	"Fransa'nın başkenti neresidir?", "ما هي عاصمة فرنسا؟", "پایتخت فرانسه کجاست؟", "מהי בירת צרפת?",
	"फ्रांस की राजधानी क्या है?", "ফ্রান্সের রাজধানী কী?", "பிரான்சின் தலைநகரம் எது?", "ఫ్రాన్స్ రాజధాని ఏది?",
	"ಫ್ರಾನ್ಸ್\u200cನ ರಾಜಧಾನಿ ಯಾವುದು?", "ഫ്രാൻസിന്റെ തലസ്ഥാനം ഏതാണ്?", "ફ્રાન્સની રાજધાની કઈ છે?", "ਫਰਾਂਸ ਦੀ ਰਾਜਧਾਨੀ ਕੀ ਹੈ?",
	"เมืองหลวงของฝรั่งเศสคืออะไร", "Thủ đô của Pháp là gì?", "Apa ibu kota Prancis?", "法国的首都是哪里？",
	"フランスの首都はどこですか？", "프랑스의 수도는 어디입니까?", "საფრანგეთის დედაქალაქი რომელია?", "Ո՞րն է Ֆրանսիայի մայրաքաղաքը:",
}
