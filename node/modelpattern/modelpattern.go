// Package modelpattern checks the patterns in allow and block lists, those of API keys and those of requests. It knows neither.
package modelpattern

import (
	"fmt"
	"path"
	"strings"
)

// Check says what is wrong with a path.Match pattern on the ids of models. Besides what cannot be read that is a pattern with an
// organisation, as OpenRouter's ids have one: it would match nothing, so that a list would block nothing, or let nothing
// through, in silence. The gateway's own models are called flotilla/….
func Check(pattern string) error {
	org, _, has := strings.Cut(pattern, "/")
	if has && org != "flotilla" && strings.ContainsAny(pattern, "*?[") {
		return fmt.Errorf("pattern %.80q would match nothing: ids of models have no organisation, as GET /v1/models shows; write qwen* for qwen/*", pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf(`pattern %.80q: use * ? and [a-z] only, as in "llama-*"`, pattern)
	}
	return nil
}
