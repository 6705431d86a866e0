package probe

import (
	"regexp"
	"strings"
)

// turnMarker matches a line with which a model starts another turn of its own making.
var turnMarker = regexp.MustCompile(`(?m)^[ \t*#]*(?:Question|Q|User|Human|Instruction|Assistant)\s*(?:\d+)?\s*:|<\|?(?:im_start|im_end|start_of_turn|end_of_turn)\|?>`)

// maxRepeats is how often a line may occur before the answer counts as going round in circles.
const maxRepeats = 2

// cutRunOn returns the answer proper and whether the model ran on after it: into a turn of its own,
// or by repeating a line over and over.
func cutRunOn(reply string) (answer string, ranOn bool) {
	answer = strings.TrimSpace(reply)
	// A marker at the very start introduces the answer; only a later one ends it.
	for _, at := range turnMarker.FindAllStringIndex(answer, -1) {
		if strings.TrimSpace(answer[:at[0]]) != "" {
			answer, ranOn = strings.TrimSpace(answer[:at[0]]), true
			break
		}
	}
	seen := map[string]int{}
	offset := 0
	for line := range strings.Lines(answer) {
		key := strings.ToLower(strings.TrimSpace(line))
		offset += len(line)
		// Code has honest repetitions of short lines such as closing braces.
		if len(key) < 3 {
			continue
		}
		if seen[key]++; seen[key] > maxRepeats {
			first := strings.Index(strings.ToLower(answer), key)
			return strings.TrimSpace(answer[:first+len(key)]), true
		}
	}
	return answer, ranOn
}
