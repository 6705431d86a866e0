package probe

import (
	"regexp"
	"strings"
)

// turnMarker matches a line with which a model starts another turn of its own making.
var turnMarker = regexp.MustCompile(`(?m)^[ \t*#]*(?:Question|Q|User|Human|Instruction)\s*(?:\d+)?\s*:|<\|?(?:im_start|im_end|start_of_turn|end_of_turn)\|?>`)

// answerMarker matches a line with which an answer is introduced.
var answerMarker = regexp.MustCompile(`(?mi)^[ \t*#]*Answer\s*:`)

// hasWord matches a line with at least one word of three letters in it.
var hasWord = regexp.MustCompile(`\pL{3}`)

// maxRepeats is how often a line may occur before the answer counts as going round in circles.
const maxRepeats = 2

// withoutThoughts is what a reply says behind the thoughts that a reasoning model begins it with; false where it was cut off
// while the model thought.
func withoutThoughts(reply string) (string, bool) {
	if i := strings.LastIndex(reply, "</think>"); i >= 0 {
		reply = reply[i+len("</think>"):]
	}
	return reply, !strings.Contains(reply, "<think>")
}

// cutRunOn returns the answer proper and whether the model ran on after it: into a turn of its own,
// or by repeating a line over and over.
func cutRunOn(reply string) (answer string, ranOn bool) {
	answer = strings.TrimSpace(reply)
	// A reply that starts by asking has an answer only after its own "Answer:".
	if at := turnMarker.FindStringIndex(answer); at != nil && at[0] == 0 {
		given := answerMarker.FindStringIndex(answer)
		if given == nil {
			return "", true
		}
		answer = strings.TrimLeft(answer[given[1]:], " \t")
	}
	if at := turnMarker.FindStringIndex(answer); at != nil {
		answer, ranOn = strings.TrimSpace(answer[:at[0]]), true
	}
	// One "Answer:" after some reasoning is the answer itself; a second one answers something new.
	if at := answerMarker.FindAllStringIndex(answer, 2); len(at) > 1 {
		if head := strings.TrimSpace(answer[:at[0][0]]); head != "" {
			answer, ranOn = head, true
		}
	}
	return cutRepeats(answer, ranOn)
}

// cutRepeats cuts the answer behind the first of a line that occurs over and over.
func cutRepeats(answer string, ranOn bool) (string, bool) {
	seen, end := map[string]int{}, map[string]int{} // how often a line occurred, and where its first occurrence ends
	offset := 0
	for line := range strings.Lines(answer) {
		offset += len(line)
		key := strings.ToLower(strings.TrimSpace(line))
		// Code has honest repetitions of lines without words: braces, fences.
		if !hasWord.MatchString(key) {
			continue
		}
		if seen[key]++; seen[key] == 1 {
			end[key] = offset
		}
		if seen[key] > maxRepeats {
			return strings.TrimSpace(answer[:end[key]]), true
		}
	}
	return answer, ranOn
}
