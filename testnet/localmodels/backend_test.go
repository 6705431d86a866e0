package localmodels_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"flotilla/node/backend"
	"flotilla/testnet/localmodels"
)

// realServer starts a real llama.cpp server and returns its only model, as an operator finds it.
func realServer(t *testing.T, cfg localmodels.Config) (*backend.Backend, backend.Model) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the real models")
	}
	dir, err := localmodels.DefaultCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Paths, err = localmodels.Install(t.Context(), dir, t.Output()); err != nil {
		t.Fatal(err)
	}
	cfg.LogDir = t.TempDir()
	s, err := localmodels.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return findModel(t, strings.TrimPrefix(s.URL, "http://"), backend.LlamaCpp)
}

// findModel is what an operator finds at an address: the one model of a server.
func findModel(t *testing.T, addr string, runtime backend.Runtime) (*backend.Backend, backend.Model) {
	t.Helper()
	found := backend.Detect(t.Context(), []string{addr})
	if len(found) != 1 {
		t.Fatalf("found %q", found)
	}
	b, err := backend.New(found[0], backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	models, err := b.Models(t.Context())
	if err != nil || len(models) != 1 || models[0].Runtime != runtime {
		t.Fatalf("models %+v, %v", models, err)
	}
	return b.WithModel(models[0].ID), models[0]
}

// events of a stream to its clean end.
func events(t *testing.T, s *backend.Stream, err error) (all []backend.Event) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		ev, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ev)
	}
}

// What a backend reads of a real llama.cpp server, and its answers, streamed, whole and left.
func TestBackendOfRealServer(t *testing.T) {
	b, m := realServer(t, localmodels.Config{Model: localmodels.SmolLM2, Ctx: 1024, Slots: 2})
	if m.ID != localmodels.SmolLM2 || m.ContextLength != 512 || m.Embeds() || !strings.HasPrefix(m.Quantization, "Q4_1") {
		t.Errorf("%+v", m)
	}
	answersAlike(t, b)
	leavingFreesTheServer(t, b)
	if _, err := b.Embed(t.Context(), []byte(`{"input":"a"}`)); err == nil {
		t.Error("a server that was not started to embed made a vector")
	}
}

// story asks for one of at most so many tokens; this model's are longer.
func story(maxTokens int) string {
	return fmt.Sprintf(`{"model":"auto","messages":[{"role":"user","content":"Write a long story about a ship."}],"max_tokens":%d,"temperature":0,"seed":1}`, maxTokens)
}

// answersAlike: streamed and whole, an answer has the same text and as many tokens, counted by the server.
func answersAlike(t *testing.T, b *backend.Backend) {
	t.Helper()
	var texts []string
	var tokens []uint32
	for _, stream := range []bool{false, true} {
		s, err := b.Chat(t.Context(), []byte(story(8)), stream)
		text, count := "", uint32(0)
		for _, ev := range events(t, s, err) {
			text += ev.Text
			if ev.Usage != nil && !ev.Usage.Estimated {
				count = ev.Usage.CompletionTokens
			}
		}
		texts, tokens = append(texts, text), append(tokens, count)
	}
	if texts[0] == "" || texts[0] != texts[1] || tokens[0] == 0 || tokens[0] != tokens[1] {
		t.Errorf("whole %q in %d tokens, streamed %q in %d", texts[0], tokens[0], texts[1], tokens[1])
	}
}

// leavingFreesTheServer: what a client that leaves had asked for is not computed to its end. Long answers that are left
// after their first piece take less than half of the time that they would take whole.
func leavingFreesTheServer(t *testing.T, b *backend.Backend) {
	t.Helper()
	const answers = 8
	start := time.Now()
	s, err := b.Chat(t.Context(), []byte(story(300)), true)
	if all := events(t, s, err); len(all) < 200 {
		t.Fatalf("a long story came in %d pieces: it proves nothing", len(all))
	}
	whole := time.Since(start)
	start = time.Now()
	for range answers {
		s, err := b.Chat(t.Context(), []byte(story(300)), true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left := time.Since(start); left > answers*whole/2 {
		t.Errorf("%d answers that were left took %v, a whole one %v", answers, left, whole)
	}
	if err := b.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// A real llama.cpp server that embeds is found as such, and makes a vector of each text and of token ids.
func TestBackendEmbedsOnRealServer(t *testing.T) {
	b, m := realServer(t, localmodels.Config{Model: localmodels.SmolLM2, Ctx: 512, Slots: 1, Embed: true})
	if !m.Embeds() {
		t.Fatalf("%+v", m)
	}
	embedsBoth(t, b, `["The sea is blue.","A ship sails."]`)
	embedsBoth(t, b, `[[1,2,3],[4,5]]`)
}

// embedsBoth: of two texts come two vectors of SmolLM2's width, and the tokens that were read.
func embedsBoth(t *testing.T, b *backend.Backend, input string) {
	t.Helper()
	s, err := b.Embed(t.Context(), []byte(`{"model":"asked","input":`+input+`,"encoding_format":"base64"}`))
	all := events(t, s, err)
	if len(all) != 1 || all[0].Usage == nil || all[0].Usage.Estimated || all[0].Usage.PromptTokens == 0 || all[0].Usage.CompletionTokens != 0 {
		t.Fatalf("%s: %d events, %+v", input, len(all), all)
	}
	var list struct {
		Data []struct{ Embedding []float32 }
	}
	if err := json.Unmarshal(all[0].Data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Data) != 2 || len(list.Data[0].Embedding) != 576 || len(list.Data[1].Embedding) != 576 {
		t.Errorf("%s: %d vectors", input, len(list.Data))
	}
}
