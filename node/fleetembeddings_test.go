package node

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"flotilla/node/access"
	"flotilla/node/backend"
	"flotilla/node/page"
	"flotilla/node/requestlog"
	"flotilla/routing"
	"flotilla/routing/embed"
	"flotilla/settlement"
)

const vectorModel = "all-minilm"

// vectorServer speaks as a llama.cpp server that was started with --embedding does, with a real encoder.
type vectorServer struct {
	m     *embed.MiniLM
	calls atomic.Int64
	short bool // answers with one vector too few
}

func newVectorServer(t testing.TB) *vectorServer {
	t.Helper()
	m, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	return &vectorServer{m: m}
}

func (s *vectorServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/v1/models":
		fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model","owned_by":"llamacpp","meta":{"n_ctx":256,"ftype":"F16"}}]}`, vectorModel)
	case "/props":
		fmt.Fprint(w, `{"default_generation_settings":{"n_ctx":256},"total_slots":1}`)
	case "/v1/embeddings":
		var req struct {
			Input json.RawMessage
			Model string
		}
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, `{"error":{"message":"bad JSON"}}`, http.StatusBadRequest)
			return
		}
		var texts []string
		if json.Unmarshal(req.Input, &texts) != nil {
			texts = []string{strings.Trim(string(req.Input), `"`)}
		}
		type vector struct {
			Index     int       `json:"index"`
			Object    string    `json:"object"`
			Embedding []float32 `json:"embedding"`
		}
		var data []vector
		tokens := 0
		for i, text := range texts {
			v, err := s.m.Embed(r.Context(), text)
			if err != nil {
				return
			}
			data = append(data, vector{i, "embedding", v})
			tokens += len(s.m.Encode(text))
		}
		if req.Model != "" { // else it is asked whether it can
			s.calls.Add(1)
			if s.short {
				data = data[1:]
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": data, "model": req.Model, "usage": map[string]int{"prompt_tokens": tokens, "total_tokens": tokens}})
	default:
		http.Error(w, `{"error":{"message":"this server only embeds"}}`, http.StatusNotImplemented)
	}
}

// embedder starts an operator that offers vectorModel, found as 'flotilla operator' finds it.
func (w *world) embedder(s *vectorServer, price Price) {
	w.t.Helper()
	srv := httptest.NewServer(s)
	w.t.Cleanup(srv.Close)
	b, err := backend.New(srv.URL, backend.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	models, err := b.Models(w.t.Context())
	if err != nil || len(models) != 1 || !models[0].Embeds() {
		w.t.Fatalf("models %+v, %v", models, err)
	}
	before := w.embedding()
	w.open(Config{
		DataDir: w.t.TempDir(), Key: testKey(w.t), Bootstrap: w.gateway.Addrs(),
		Operator: &OperatorConfig{Stake: 50_000_000, Models: []ServedModel{Served(b, models[0], vectorModel, price)}},
	})
	w.eventually("the embedding model can be asked for", func() bool { return w.embedding() == before+1 })
}

// embedding counts the offers of embedding models that can be asked.
func (w *world) embedding() (n int) {
	for _, c := range w.gateway.Gateway.embedders(w.gateway.Gateway.now()) {
		if c.Unavailable == "" {
			n++
		}
	}
	return n
}

type vectorList struct {
	Model string
	Data  []struct {
		Index     int
		Embedding json.RawMessage
	}
	Usage struct {
		PromptTokens uint32 `json:"prompt_tokens"`
		Cost         float64
		Flotilla     struct {
			ReceiptID string `json:"receipt_id"`
		}
	}
}

func vectorsOf(t *testing.T, raw []byte) vectorList {
	t.Helper()
	var list vectorList
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return list
}

// The cheapest operator of an embedding model makes the vectors, for its signed price of input tokens: the client, the
// receipt, the key's budget and the log say the same.
func TestOperatorsEmbed(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	dear, cheap := newVectorServer(t), newVectorServer(t)
	w.embedder(dear, Price{InputPerMTok: 9_000_000, OutputPerMTok: 1})
	w.embedder(cheap, Price{InputPerMTok: 4_000_000, OutputPerMTok: 1})
	if fleet, err := (pageViews{w.gateway, w.gateway.Gateway, w.gateway.Gateway.gate.book}).Fleet(t.Context(), page.Viewer{Owner: true}); err != nil || len(fleet.Operators) != 3 || slices.ContainsFunc(fleet.Operators, func(o page.Operator) bool { return o.Trouble != "" || len(o.Offers) != 1 }) {
		t.Errorf("the page shows the fleet %+v, %v", fleet, err)
	}
	k := w.newKey(access.Terms{Budget: 1_000_000})
	texts := []string{"a first text", "and a second one"}
	body := fmt.Sprintf(`{"model":%q,"input":["%s"]`, vectorModel, strings.Join(texts, `","`))

	resp, raw := w.post(k.Secret, "/v1/embeddings", body+`}`)
	list := vectorsOf(t, raw)
	tokens := uint32(len(cheap.m.Encode(texts[0])) + len(cheap.m.Encode(texts[1])))
	if resp.StatusCode != 200 || len(list.Data) != 2 || list.Model != vectorModel || list.Usage.PromptTokens != tokens || cheap.calls.Load() != 1 || dear.calls.Load() != 0 {
		t.Fatalf("%s %s", resp.Status, raw)
	}
	bs := w.receipts()
	cost := settlement.Amount(4 * tokens)
	if len(bs) != 1 || bs[0].Receipt.InputTokens != tokens || bs[0].Receipt.OutputTokens != 0 || bs[0].Receipt.Amount != cost || bs[0].Order.MaxOutputTokens != 0 || bs[0].Advert.OutputPerMTok != 0 {
		t.Fatalf("receipts %+v", bs)
	}
	if list.Usage.Flotilla.ReceiptID != bs[0].ID().String() || math.Round(list.Usage.Cost*1e6) != float64(cost) || settlement.Amount(w.usage(k.ID).Spent) != cost {
		t.Errorf("the client was told %+v, the key has spent %s of a receipt of %s", list.Usage, w.usage(k.ID).Spent, cost)
	}
	w.eventually("it is logged", func() bool { return len(w.logged(requestlog.Filter{Key: string(k.ID)})) == 1 })
	if r := w.logged(requestlog.Filter{Key: string(k.ID)})[0]; r.CostMicroUSD != uint64(cost) || r.PromptTokens != tokens || r.CompletionTokens != 0 || r.BaselineMicroUSD != uint64(cost) || r.PredictedQuality != nil {
		t.Errorf("the log has %+v", r)
	}
	if err := routing.Replay(t.Context(), []byte(bs[0].DecisionJSON), w.gateway.Gateway.router.Index()); err != nil {
		t.Errorf("the decision cannot be made again: %v", err)
	}
	if err := w.gateway.SettleNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := settlement.Verify(t.Context(), w.receipts()[0], w.mem, settlement.VerifyOptions{Domain: testDomain}).Err(); err != nil {
		t.Errorf("the settled receipt: %v", err)
	}

	resp, raw = w.post(k.Secret, "/v1/embeddings", body+`,"encoding_format":"base64"}`)
	packed := vectorsOf(t, raw)
	for i, text := range texts {
		want, err := cheap.m.Embed(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		var numbers []float32
		var base string
		if err := json.Unmarshal(list.Data[i].Embedding, &numbers); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(packed.Data[i].Embedding, &base); err != nil {
			t.Fatalf("%s: %v", resp.Status, err)
		}
		bits, err := base64.StdEncoding.DecodeString(base)
		if err != nil || len(bits) != 4*len(want) {
			t.Fatalf("%d bytes, %v", len(bits), err)
		}
		for j := range want {
			if numbers[j] != want[j] || math.Float32frombits(binary.LittleEndian.Uint32(bits[4*j:])) != want[j] {
				t.Fatalf("value %d of %q: %v and %x, want %v", j, text, numbers[j], bits[4*j:4*j+4], want[j])
			}
		}
	}
}

// An embedding model is listed as one, never chosen for a chat, and bound by what binds all models.
func TestEmbeddingModelsAreNoChatModels(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	s := newVectorServer(t)
	w.embedder(s, Price{InputPerMTok: 1_000_000})
	ask := fmt.Sprintf(`{"model":%q,"input":"a text"}`, vectorModel)

	var list struct {
		Data []struct {
			ID           string
			Architecture struct {
				Outputs []string `json:"output_modalities"`
			}
			Pricing struct{ Prompt, Completion string }
		}
	}
	if _, raw := w.get(worldAPIKey, "/v1/models"); json.Unmarshal(raw, &list) != nil {
		t.Fatalf("%s", raw)
	}
	listed := 0
	for _, m := range list.Data {
		if m.ID == vectorModel && m.Architecture.Outputs[0] == "embeddings" && m.Pricing.Prompt == "0.000001" && m.Pricing.Completion == "0" {
			listed++
		}
	}
	if listed != 1 {
		t.Errorf("models: %+v", list)
	}
	resp, raw := w.post(worldAPIKey, "/v1/chat/completions", chatBody(vectorModel, false, 5))
	wantError(t, resp, raw, http.StatusNotFound, "model_not_found")
	if !strings.Contains(string(raw), "/v1/embeddings") {
		t.Errorf("a chat with a model that makes vectors: %s", raw)
	}
	for _, model := range []string{worldModel, "nobody-has-it", "auto"} {
		resp, raw = w.post(worldAPIKey, "/v1/embeddings", strings.Replace(ask, vectorModel, model, 1))
		wantError(t, resp, raw, http.StatusNotFound, "model_not_found")
	}
	bound := w.newKey(access.Terms{Allow: []string{"smollm2-*"}})
	resp, raw = w.post(bound.Secret, "/v1/embeddings", ask)
	wantError(t, resp, raw, http.StatusForbidden, "model_not_allowed")
	poor := w.newKey(access.Terms{Budget: 1})
	resp, raw = w.post(poor.Secret, "/v1/embeddings", ask)
	wantError(t, resp, raw, http.StatusTooManyRequests, "insufficient_quota")
	resp, raw = w.post(worldAPIKey, "/v1/embeddings", strings.TrimSuffix(ask, "}")+`,"provider":{"max_price":{"prompt":0.5}}}`)
	wantError(t, resp, raw, http.StatusNotFound, "operator_not_found")
	resp, raw = w.post(worldAPIKey, "/v1/embeddings", strings.Replace(ask, "a text", strings.Repeat("long ", 300), 1))
	wantError(t, resp, raw, http.StatusBadRequest, "context_length_exceeded")
	if n := s.calls.Load(); n != 0 || len(w.receipts()) != 0 {
		t.Errorf("%d calls, %d receipts for what was refused", n, len(w.receipts()))
	}
	s.short = true
	resp, raw = w.post(worldAPIKey, "/v1/embeddings", strings.Replace(ask, `"a text"`, `["a","b"]`, 1))
	wantError(t, resp, raw, http.StatusBadGateway, "bad_answer")
	if n := len(w.receipts()); n != 0 {
		t.Errorf("%d receipts for a list with a vector too few, which nobody is to pay for", n)
	}
	if id := resp.Header.Get("X-Flotilla-Receipt"); id != "" {
		t.Errorf("the answer names the receipt %s, which there is not", id)
	}
}

// get sends a GET with a key.
func (w *world) get(key, path string) (*http.Response, []byte) {
	w.t.Helper()
	return w.send(http.MethodGet, key, path, "")
}

// Vectors of another length than was asked for would end in the client's index: they are refused, which is nobody's fault.
func TestDimensionsThatNobodyMakes(t *testing.T) {
	w := newWorld(t)
	w.embedder(newVectorServer(t), Price{InputPerMTok: 4_000_000, OutputPerMTok: 1})
	ask := func(members string) (*http.Response, []byte) {
		return w.post(worldAPIKey, "/v1/embeddings", fmt.Sprintf(`{"model":%q,"input":"a text"%s}`, vectorModel, members))
	}
	for range 4 { // more often than a model's faults are borne
		resp, raw := ask(`,"dimensions":64`)
		wantError(t, resp, raw, http.StatusBadRequest, "invalid_value")
		if !strings.Contains(string(raw), `"param":"dimensions"`) || !strings.Contains(string(raw), "384") {
			t.Errorf("%s", raw)
		}
	}
	if bs := w.receipts(); len(bs) != 0 {
		t.Errorf("%d were paid for", len(bs))
	}
	for _, members := range []string{``, `,"dimensions":384`, `,"dimensions":null`} {
		if resp, raw := ask(members); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", members, resp.Status, raw)
		}
	}
}
