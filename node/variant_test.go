package node

import (
	"net/http"
	"strings"
	"testing"
)

// OpenRouter's endings of a model's name do what they do there: an answer that was asked for at no price costs nothing, or there is none.
func TestVariantsOfAName(t *testing.T) {
	w := newWorld(t)
	operator := func(p Price) string {
		before := strings.Join(w.gateway.Gateway.Serving(), " ")
		w.scriptedModel(ServedModel{Price: p})
		for _, name := range w.gateway.Gateway.Serving() {
			if !strings.Contains(before, name) {
				return name
			}
		}
		t.Fatal("the operator does not serve")
		return ""
	}
	cheap := operator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	dear := operator(Price{InputPerMTok: 3_000_000, OutputPerMTok: 6_000_000})
	ask := func(model, members string) (*http.Response, string) {
		t.Helper()
		resp, raw := w.post(worldAPIKey, "/v1/chat/completions", `{"model":"`+model+`","max_tokens":20`+members+`,"messages":[{"role":"user","content":"hello"}]}`)
		return resp, string(raw)
	}
	ask(worldModel, `,"stream":true,"provider":{"only":["`+dear+`"]}`) // its pace is known now, that of the other is not
	for _, o := range []struct{ model, members, want, why string }{
		{worldModel + ":nitro", "", dear, "only among the operators that :nitro after the model's name"},
		{worldModel + ":Nitro", `,"provider":{"sort":"price"}`, cheap, ""},
		{worldModel + ":floor", "", cheap, "only among the operators that :floor after the model's name"},
	} {
		resp, body := ask(o.model, o.members)
		if got := resp.Header.Get("X-Flotilla-Operator"); got != o.want || !strings.Contains(body, o.why) {
			t.Errorf("%s%s: %d by %s, want %s: %s", o.model, o.members, resp.StatusCode, got, o.want, body)
		}
	}
	if resp, body := ask(worldModel+":free", ""); resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "operator_not_found") || !strings.Contains(body, ":free after the model's name") {
		t.Errorf("for nothing, and nobody gives it: %d %s", resp.StatusCode, body)
	}
	for _, more := range []string{" ", "@provider"} { // which are no part of a name
		if resp, body := ask(worldModel+":free"+more, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("for nothing, with %q: %d %s", more, resp.StatusCode, body)
		}
	}
	if resp, body := ask(worldModel+":free", `,"models":["`+worldModel+`"]`); resp.StatusCode != http.StatusOK || resp.Header.Get("X-Flotilla-Operator") != cheap {
		t.Errorf("for nothing, else as it is: %d %s", resp.StatusCode, body)
	}
	gift := operator(Price{})
	if resp, body := ask(worldModel+":free", ""); resp.Header.Get("X-Flotilla-Operator") != gift || !strings.Contains(body, `"cost_micro_usd":0`) {
		t.Errorf("for nothing: %d %s", resp.StatusCode, body)
	}
}
