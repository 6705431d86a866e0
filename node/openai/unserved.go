package openai

import (
	"encoding/json"
	"slices"

	"flotilla/node/rawjson"
)

// refuseUnserved refuses what a request can ask for that no operator does and model servers do not look at: an answer without it looks
// like one with it. Members that only shape an answer go through, known or not.
func refuseUnserved(obj rawjson.Object, _ *Request) *APIError {
	for _, member := range []struct{ key, advice string }{
		{"web_search_options", "no operator searches the web: leave web_search_options out, or give the model a tool of your own that searches"},
		{"preset", "presets are kept by OpenRouter: put what yours says into the request"},
	} {
		if obj.Has(member.key) {
			return &APIError{Status: 400, Code: codeUnsupported, Param: member.key, NoRetry: true, Message: member.advice}
		}
	}
	var modalities []json.RawMessage
	if api := decode(obj, "modalities", &modalities, "a list of strings"); api != nil {
		return api
	}
	if slices.ContainsFunc(modalities, func(m json.RawMessage) bool { return string(m) != `"text"` }) {
		return &APIError{Status: 400, Code: codeUnsupported, Param: "modalities", NoRetry: true, Message: `answers are text: modalities can only be ["text"]`}
	}
	return nil
}

// codeUnsupported is OpenAI's word for a parameter that the model does not take.
const codeUnsupported = "unsupported_parameter"
