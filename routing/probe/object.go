package probe

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Object grades answers that must hold a JSON object: a quarter for a valid object, the rest for
// the share of Fields that have the right value. Numbers may be written as strings and case does
// not matter in values; keys must be exact.
type Object struct {
	Fields map[string]string
}

// validShare is what a valid object with nothing right in it is worth.
const validShare = 0.25

// Score implements [Grader].
func (g Object) Score(answer string) float64 {
	object, ok := firstObject(answer)
	if !ok {
		return 0
	}
	right := 0
	for key, want := range g.Fields {
		if got, ok := object[key]; ok && strings.EqualFold(fmt.Sprint(got), want) {
			right++
		}
	}
	if right == 0 && len(object) == 0 {
		return 0
	}
	return validShare + (1-validShare)*float64(right)/float64(len(g.Fields))
}

// firstObject decodes the first JSON object in text, which may lie in prose or in a code fence.
func firstObject(text string) (map[string]any, bool) {
	for i := 0; i < len(text); i++ {
		if text[i] != '{' {
			continue
		}
		dec := json.NewDecoder(strings.NewReader(text[i:]))
		dec.UseNumber()
		var object map[string]any
		if dec.Decode(&object) == nil {
			return object, true
		}
	}
	return nil, false
}
