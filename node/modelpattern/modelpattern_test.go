package modelpattern_test

import (
	"testing"

	"flotilla/node/modelpattern"
)

func TestPatternsThatMatchNothingAreRefused(t *testing.T) {
	for pattern, good := range map[string]bool{
		"qwen*": true, "llama-3.?-*": true, "flotilla/*": true, "meta-llama/Llama-3.1-8B-Instruct": true, "[a-z]*": true,
		"qwen/*": false, "*/*": false, "openai/gpt-[a-z]": false, "?/x": false, "[a": false, `a\`: false,
	} {
		if err := modelpattern.Check(pattern); (err == nil) != good {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}
