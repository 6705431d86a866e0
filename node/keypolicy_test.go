package node

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai"
	"flotilla/routing"
)

// A key's list and a request's bind together, also in a fleet whose models are too many to be named in a policy.
func TestBothListsBindInALargeFleet(t *testing.T) {
	w := newEmptyWorld(t)
	var fleet []routing.Candidate
	for i := range 1000 {
		fleet = append(fleet, routing.Candidate{Operator: fmt.Sprint(i), Model: routing.ModelID(fmt.Sprintf("qwen3-%d-with-a-name-of-its-own", i)), MaxContext: 1000})
	}
	fleet = append(fleet, routing.Candidate{Operator: "small", Model: worldModel, MaxContext: 1000})
	for _, c := range []struct {
		key, request []string
		models       int
	}{
		{[]string{"qwen*"}, []string{"*"}, 1000}, {[]string{"*"}, []string{"qwen*"}, 1000}, {[]string{"*"}, []string{"*"}, 1001},
		{[]string{"qwen3-?-*", "smollm2-*"}, []string{"qwen*"}, 10},
	} {
		policy := routing.Policy{Dial: 7, Allow: c.request}
		if err := bindKey(openai.KeyInfo{Rules: &openai.KeyRules{Allow: c.key}}, &policy, fleet); err != nil {
			t.Fatalf("%v and %v: %v", c.key, c.request, err)
		}
		d, err := w.router.Route(t.Context(), routing.Prompt{InputTokens: 1}, fleet, policy)
		if err != nil || d.ConsideredTotal != c.models {
			t.Errorf("%v and %v: %d of %d models, %v", c.key, c.request, d.ConsideredTotal, c.models, err)
		}
	}
	policy := routing.Policy{Allow: []string{"gemma-*"}}
	if err := bindKey(openai.KeyInfo{Rules: &openai.KeyRules{Allow: []string{"*"}}}, &policy, fleet); err == nil || !slices.Equal(policy.Allow, nil) {
		t.Errorf("nothing in both: %v, %v", policy.Allow, err)
	}
}

// TestModelPatterns: a list binds the model that a request would name so.
func TestModelPatterns(t *testing.T) {
	for pattern, want := range map[string][]string{
		"llama-*": {"llama-*"}, "Llama-3*": {"llama-3*"}, "[A-C]*": {"[a-c]*"}, "flotilla/*": {"flotilla/*"},
		"llama3.1:8b": {"llama3.1:8b", "llama-3.1-8b-instruct"}, "Qwen/Qwen2.5-7B-Instruct": {"qwen/qwen2.5-7b-instruct", "qwen2.5-7b-instruct"},
	} {
		if diff := cmp.Diff(want, modelPatterns([]string{pattern})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", pattern, diff)
		}
	}
}
