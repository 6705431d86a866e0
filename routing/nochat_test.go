package routing_test

import (
	"errors"
	"strings"
	"testing"

	"flotilla/routing"
)

// A guard or a reranker bears the name of a family that chats, and costs nothing: who asks for any model never meets it, who names
// it does. One that was measured is taken for what it did.
func TestWhatAnswersNoChatsIsAskedOnlyByName(t *testing.T) {
	r, _ := world(t)
	chat := routing.Candidate{Operator: "chat", Model: "llama-3.1-8b-instruct", InputPerMTok: 1_000_000_000, OutputPerMTok: 1_000_000_000}
	fleet := []routing.Candidate{chat}
	for _, m := range []routing.ModelID{"llama-guard-3-8b", "qwen3-reranker-8b", "llama-3.1-nemotron-70b-reward"} {
		fleet = append(fleet, routing.Candidate{Operator: string(m), Model: m})
	}
	for dial := range routing.MaxDial + 1 {
		d := route(t, r, "easy", fleet, routing.Policy{Dial: float64(dial)})
		if d.Pick.Operator != "chat" || len(d.Fallbacks) != 0 || len(d.Rejected) != 3 || d.Rejected[0].Reason != routing.RejectNoChat {
			t.Errorf("dial %d: %s, fallbacks %v, rejected %v", dial, d.Why, d.Fallbacks, d.Rejected)
		}
	}
	if d := route(t, r, "easy", fleet, routing.Policy{Model: "meta-llama/Llama-Guard-3-8B"}); d.Pick.Operator != "llama-guard-3-8b" {
		t.Errorf("named: %s", d.Why)
	}
	var infeasible *routing.InfeasibleError
	if _, err := r.Route(t.Context(), routing.Prompt{Text: "easy"}, fleet[1:], routing.Policy{}); !errors.As(err, &infeasible) || !strings.Contains(err.Error(), "3 × answers no chats") {
		t.Errorf("nothing that chats: %v", err)
	}
}
