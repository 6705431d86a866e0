package probe

import "fmt"

// Version names this set of prompts and graders in the rows made with it. It changes whenever a
// prompt or a grader changes what a score means.
const Version = "flotilla-probe/2"

// Probe is one prompt with the rule that grades its answers.
type Probe struct {
	ID       string // category and running number, unique, stable within a Version
	Category string
	Prompt   string
	Grader   Grader
}

// Grader scores an answer between 0 (wrong or useless) and 1 (right). It is given the answer
// without what the model wrote after it had answered, see [Grade]. It must not keep state.
type Grader interface {
	Score(answer string) float64
}

// runOnFactor is what remains of the score when the model did not stop after its answer but went
// on asking itself questions or repeating itself: the reader gets the answer, and must find its end.
const runOnFactor = 0.75

// maxGraded bounds what is graded of a reply, in bytes: many times what DefaultMaxTokens tokens are. An operator may send
// more, and graders look back and forth.
const maxGraded = 32 << 10

// Grade scores a model's whole reply to p between 0 and 1. Thoughts in <think> are no part of the answer.
func Grade(p Probe, reply string) float64 {
	reply, ok := withoutThoughts(reply)
	if !ok {
		return 0
	}
	answer, ranOn := cutRunOn(reply[:min(len(reply), maxGraded)])
	score := p.Grader.Score(answer)
	if ranOn {
		score *= runOnFactor
	}
	return score
}

// Default returns the standard set of probes, always the same in the same order.
func Default() []Probe {
	var all []Probe
	for _, c := range []struct {
		category string
		probes   []Probe
	}{
		{"arithmetic", arithmetic()},
		{"word-problem", wordProblems()},
		{"fact", facts()},
		{"multiple-choice", multipleChoice()},
		{"yes-no", yesNo()},
		{"sentiment", sentiments()},
		{"translation", translations()},
		{"spelling", spelling()},
		{"json", jsonObjects()},
		{"code", code()},
		{"sequence", sequences()},
		{"completion", completions()},
		{"summary", summaries()},
		{"definition", definitions()},
		{"exam", examQuestions()},
		{"long-problem", longProblems()},
		{"grid", grids()},
		{"program", programs()},
	} {
		for i, p := range c.probes {
			p.ID, p.Category = fmt.Sprintf("%s-%02d", c.category, i+1), c.category
			all = append(all, p)
		}
	}
	return all
}
