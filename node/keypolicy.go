package node

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/routing/catalogue"
)

// bindKey puts the lists of a request's key into its policy, so that they bind fallbacks and the record as the request's
// own do.
func bindKey(key openai.KeyInfo, policy *routing.Policy, candidates []routing.Candidate) error {
	rules := key.Rules
	if rules == nil || len(rules.Allow) == 0 && len(rules.Block) == 0 {
		return nil
	}
	if policy.Model != "" && !rules.Permits(catalogue.ID(policy.Model)) {
		return modelNotAllowed(fmt.Sprintf("the API key may not use the model %q", policy.Model))
	}
	policy.Block = slices.Concat(policy.Block, rules.Block)
	switch {
	case len(rules.Allow) == 0:
	case len(policy.Allow) == 0:
		policy.Allow = rules.Allow
	default:
		if policy.Allow = inBoth(policy.Allow, rules, candidates); len(policy.Allow) == 0 {
			return modelNotAllowed("no model on offer is allowed by the request and to its API key")
		}
	}
	return nil
}

// wildcards are what makes a pattern of a name.
const wildcards = `*?[\`

// modelPatterns are the patterns as models of the fleet are called: in lower case, and a whole name as the id that it stands for, as
// where a request names it. Else a list that blocks "Llama3.1:8b" would let it pass.
func modelPatterns(patterns []string) []string {
	var out []string
	for _, p := range patterns {
		lower := strings.ToLower(p)
		out = append(out, lower)
		if strings.ContainsAny(p, wildcards) {
			continue
		}
		if id := catalogue.ID(p); id != lower {
			out = append(out, id)
		}
	}
	return out
}

func modelNotAllowed(message string) error {
	return &openai.APIError{Status: http.StatusForbidden, Code: "model_not_allowed", Param: "model", NoRetry: true, Message: message}
}

// inBoth are patterns for the models on offer that both lists let through. Where one list lets nothing through that the other
// does not, it is that list. Else two lists have no pattern in common that says this, so the models are named: of a large fleet
// that may be more than a policy holds.
func inBoth(allow []string, rules *openai.KeyRules, candidates []routing.Candidate) []string {
	literal := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)
	request := &openai.KeyRules{Allow: allow}
	var both []string
	onlyAsked, onlyPermitted := false, false
	for _, c := range candidates {
		id := string(c.Model)
		switch asked, permitted := request.Permits(id), rules.Permits(id); {
		case asked && permitted:
			both = append(both, literal.Replace(id))
		case asked:
			onlyAsked = true
		case permitted:
			onlyPermitted = true
		}
	}
	switch {
	case len(both) > 0 && !onlyAsked:
		return allow
	case len(both) > 0 && !onlyPermitted:
		return rules.Allow
	}
	slices.Sort(both)
	return slices.Compact(both)
}
