package openai

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"flotilla/node/rawjson"
)

// openRouterRoot is where OpenRouter's API begins, so that who comes from there changes the host alone. All that is under /v1 is there
// too, in OpenRouter's shape where it contradicts OpenAI's; members that only one of them has are in the answers of both.
const openRouterRoot = "/api"

// underOpenRouter is the request as it would be under /v1, and whether it came under OpenRouter's root.
func underOpenRouter(r *http.Request) (*http.Request, bool) {
	path, ok := strings.CutPrefix(r.URL.Path, openRouterRoot)
	if !ok || !strings.HasPrefix(path, "/v1/") {
		return r, false
	}
	moved := *r
	moved.URL = new(url.URL)
	*moved.URL = *r.URL
	moved.URL.Path, moved.URL.RawPath = path, ""
	return &moved, true
}

// openRouterCode is an error's code as OpenRouter's clients parse it: a number, the status, and the word beside it.
func (e *APIError) openRouterCode() (status int, word *errorMetadata) {
	return e.Status, &errorMetadata{ErrorType: cmp.Or(e.Code, "unknown")}
}

// openRouterMembers are what its clients insist on in an answer or a chunk, of all that OpenAI has too.
func openRouterMembers(obj rawjson.Object, chunk bool) []rawjson.Edit {
	fingerprint, has := obj.Get("system_fingerprint")
	switch {
	case chunk && rawjson.IsNull(fingerprint): // a string or nothing
		return []rawjson.Edit{{Key: "system_fingerprint"}}
	case !chunk && !has: // a string or null
		return []rawjson.Edit{{Key: "system_fingerprint", Value: json.RawMessage("null")}}
	}
	return nil
}

// openRouterChoices gives the thoughts of a model, which servers call reasoning_content, OpenRouter's name beside theirs.
func openRouterChoices(raw json.RawMessage) (json.RawMessage, error) {
	if !bytes.Contains(raw, []byte(`"reasoning_content"`)) {
		return raw, nil
	}
	var choices []json.RawMessage
	if err := json.Unmarshal(raw, &choices); err != nil {
		return nil, errBadAnswer()
	}
	for i, c := range choices {
		choice, err := rawjson.Parse(c)
		if err != nil {
			return nil, errBadAnswer()
		}
		var edits []rawjson.Edit
		for _, key := range [...]string{"message", "delta"} {
			if said, _ := choice.Get(key); choice.Has(key) {
				edits = append(edits, rawjson.Edit{Key: key, Value: withReasoning(said)})
			}
		}
		choices[i] = choice.Apply(edits...)
	}
	return json.Marshal(choices)
}

func withReasoning(said json.RawMessage) json.RawMessage {
	obj, err := rawjson.Parse(said)
	thoughts, _ := obj.Get("reasoning_content")
	if err != nil || thoughts == nil || obj.Has("reasoning") {
		return said
	}
	return obj.Apply(rawjson.Edit{Key: "reasoning", Value: thoughts})
}

// brokenChunk is a stream's last event as OpenRouter's clients parse it: a chunk with the error, and without choices, of which LangChain
// would take one for a clean end.
func (a *answer) brokenChunk(body []byte) []byte {
	obj, err := rawjson.Parse(body)
	if err != nil { // it is well formed
		return body
	}
	return obj.Apply(append(slices.Clip(a.own), rawjson.Edit{Key: "choices", Value: json.RawMessage("[]")})...)
}
