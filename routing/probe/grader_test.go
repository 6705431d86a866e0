package probe_test

import (
	"strings"
	"testing"

	"flotilla/routing/probe"
)

// gradings are answers as models word them, each with the score that a fair reader would give.
var gradings = []struct {
	name   string
	grader probe.Grader
	answer string
	want   float64
}{
	{"bare number", probe.Number{Want: 42}, "42", 1},
	{"number with a full stop", probe.Number{Want: 42}, "42.", 1},
	{"equation", probe.Number{Want: 42}, "17 + 25 = 42", 1},
	{"sentence", probe.Number{Want: 42}, "The sum of 17 and 25 is 42.", 1},
	{"bold", probe.Number{Want: 42}, "The answer is **42**.", 1},
	{"steps end in the result", probe.Number{Want: 84}, "10 * 7 = 70 and 2 * 7 = 14. 70 + 14 = 84.", 1},
	{"result first, then the reason", probe.Number{Want: 5}, "5 apples, because 3 and 2 make five.", 1},
	{"answer stated, then more numbers", probe.Number{Want: 5}, "The answer is 5. He had 3 and got 2.", 1},
	{"thousands and currency", probe.Number{Want: 1200}, "The total is $1,200.00.", 1},
	{"number word", probe.Number{Want: 5}, "There are five letters.", 1},
	{"negative", probe.Number{Want: -4}, "3 - 7 = -4", 1},
	{"decimal is not the integer", probe.Number{Want: 4}, "4.5", 0},
	{"wrong result after right operands", probe.Number{Want: 17}, "17 + 25 = 43", 0},
	{"right number is only an operand", probe.Number{Want: 25}, "17 + 25 = 42", 0},
	{"wrong first number", probe.Number{Want: 42}, "43, not 42", 0},
	{"digits inside a larger number", probe.Number{Want: 42}, "420", 0},
	{"two different answers", probe.Number{Want: 18}, "The answer is 9. On reflection the answer is 18.", 0},
	{"declared answer beats a later calculation", probe.Number{Want: 18}, "The answer is 9. Some say 9 * 2 = 18.", 0},
	{"the same answer twice", probe.Number{Want: 18}, "The answer is 18.\nSo the answer is 18.", 1},
	{"answer is a calculation", probe.Number{Want: 180}, "The answer is 60 * 3 = 180 miles.", 1},
	{"output in a comment", probe.Number{Want: 8}, "print(2 ** 3)  # Output: 8\nThis needs Python 3.", 1},
	{"denied", probe.Number{Want: 42}, "The answer is not 42.", 0},
	{"denied in short", probe.Number{Want: 42}, "It isn't 42", 0},
	{"another is denied", probe.Number{Want: 42}, "It must be 42, not 24", 1},
	{"number words with a hyphen", probe.Number{Want: 24}, "There are twenty-four eggs.", 1},
	{"number words with a blank", probe.Number{Want: 42}, "forty two", 1},
	{"a part of the number words", probe.Number{Want: 5}, "twenty five", 0},
	{"hundreds", probe.Number{Want: 180}, "One hundred and eighty miles.", 1},
	{"hundreds are not ones", probe.Number{Want: 5}, "five hundred", 0},
	{"words that are no single number", probe.Number{Want: 2}, "It is one, or two", 1},
	{"full hour", probe.Number{Want: 9}, "The movie ends at 9:00 pm.", 1},
	{"another time", probe.Number{Want: 9}, "9:30 pm", 0},
	{"typeset minus", probe.Number{Want: 5}, "−5", 0},
	{"a reason in brackets", probe.Number{Want: 42}, "42 (because 17 and 25 are added)", 1},
	{"steps are numbered", probe.Number{Want: 42}, "1. Add the tens.\n2. Add the ones, which gives 42.", 1},
	{"the number of a step", probe.Number{Want: 1}, "1. Add the tens.\n2. Add the ones, which gives 42.", 0},
	{"boxed", probe.Number{Want: 42}, "$\\boxed{42}$", 1},
	{"no number", probe.Number{Want: 42}, "I would add them up.", 0},

	{"next number alone", probe.Sequence{Given: []int{2, 4, 6, 8}, Want: 10}, "10", 1},
	{"next number after the given", probe.Sequence{Given: []int{2, 4, 6, 8}, Want: 10}, "2, 4, 6, 8, 10, 12, 14", 1},
	{"next number in a sentence", probe.Sequence{Given: []int{2, 4, 6, 8}, Want: 10}, "The next number in the sequence is 10.", 1},
	{"next number, reason names others", probe.Sequence{Given: []int{2, 4, 6, 8}, Want: 10}, "The next number is 10, since each is 2 more.", 1},
	{"wrong next", probe.Sequence{Given: []int{2, 4, 6, 8}, Want: 10}, "2, 4, 6, 8, 12, 10", 0},
	{"only the given", probe.Sequence{Given: []int{2, 4, 6, 8}, Want: 10}, "2, 4, 6, 8", 0},

	{"letter", choice(1), "B", 1},
	{"letter and bracket", choice(1), "B) apple", 1},
	{"letter, full stop", choice(1), "b.", 1},
	{"letter in a sentence", choice(1), "The correct answer is B.", 1},
	{"letter in brackets", choice(1), "The answer is (B) apple, because it grows on trees.", 1},
	{"option text", choice(1), "An apple is a fruit.", 1},
	{"letter then reason", choice(1), "B\nApples grow on trees; A hammer does not.", 1},
	{"bold letter", choice(1), "**B**", 1},
	{"wrong letter", choice(1), "C) hammer", 0},
	{"wrong letter, right text", choice(1), "A) apple", 0},
	{"right letter, wrong text", choice(1), "B) hammer", 0},
	{"two answers", choice(1), "B) apple\n\nThe correct answer is C) hammer.", 0},
	{"list of options", choice(1), "A) chair\nB) apple\nC) hammer\nD) car", 0},
	{"all letters", choice(1), "A, B, C or D.", 0},
	{"wrong text", choice(1), "It is the hammer.", 0},
	{"the article a is no letter", choice(0), "a fruit", 0},
	{"the article a behind the answer is", choice(2), "The answer is a hammer.", 1},
	{"the letter a behind the answer is", choice(0), "The answer is a.", 1},
	{"one option begins like another", probe.Choice{Options: []string{"$10", "$1000"}, Want: 1}, "B) $1000", 1},
	{"one option stands in another", probe.Choice{Options: []string{"ln(x)", "ln(x) + 1"}, Want: 1}, "ln(x) + 1", 1},
	{"one option and another with a sign", probe.Choice{Options: []string{"sp", "sp²"}, Want: 1}, "sp²", 1},
	{"a letter in an option's text", probe.Choice{Options: []string{"vitamin A", "vitamin D", "vitamin C", "vitamin B"}, Want: 1}, "It is vitamin D.", 1},
	{"a wrong option that ends in the right letter", probe.Choice{Options: []string{"vitamin A", "vitamin D", "vitamin C", "vitamin B"}, Want: 1}, "It is vitamin B.", 0},

	{"yes", yes(), "Yes, the sun is a star.", 1},
	{"yes in capitals", yes(), "YES", 1},
	{"answer: yes", yes(), "The answer is yes.", 1},
	{"true", yes(), "True.", 1},
	{"not correct", yes(), "That is not correct.", 0},
	{"no", yes(), "No, it is not.", 0},
	{"no, but yes later", yes(), "No. Some would say yes.", 0},
	{"repeats the question", yes(), "Answer yes or no.", 0},
	{"repeats the question, then answers", yes(), "Yes or no? Yes.", 1},
	{"word inside a word", yes(), "Yesterday it was.", 0},

	{"sentiment sentence", positive(), "The sentiment of this review is positive.", 1},
	{"positive, not negative", positive(), "Positive, not negative.", 1},
	{"not negative but positive", positive(), "It is not negative but positive.", 1},
	{"not a positive review", positive(), "This is not a positive review; it is negative.", 0},
	{"positive as an adjective", positive(), "It is a positive reinforcement of behavior.", 0},
	{"positive review", positive(), "This is a positive review.", 1},
	{"positive on its own line", positive(), "Positive\nThe reviewer enjoyed it.", 1},
	{"neither said", positive(), "I enjoyed this review.", 0},
	{"both", positive(), "positive or negative", 0},

	{"keyword", probe.Keywords{Groups: [][]string{{"Paris"}}}, "It's paris!", 1},
	{"keyword inside a word", probe.Keywords{Groups: [][]string{{"sol"}}}, "The solution", 0},
	{"prefix", probe.Keywords{Groups: [][]string{{"evaporat*"}}}, "Evaporation", 1},
	{"prefix not at a word's start", probe.Keywords{Groups: [][]string{{"act*"}}}, "react", 0},
	{"second occurrence counts", probe.Keywords{Groups: [][]string{{"ja"}}}, "Japan: ja", 1},
	{"one group of two", probe.Keywords{Groups: [][]string{{"a1"}, {"b1"}}}, "b1", 0.5},
	{"options instead of an answer", probe.Keywords{Groups: [][]string{{"Paris"}}, NoList: true}, "A. London\nB. Paris", 0},
	{"one option", probe.Keywords{Groups: [][]string{{"Paris"}}, NoList: true}, "B. Paris", 1},
	{"too long", probe.Keywords{Groups: [][]string{{"a"}}, MaxWords: 3}, "a b c d", 0},
	{"umlaut boundary", probe.Keywords{Groups: [][]string{{"sch"}}}, "schön", 0},

	{"exact", probe.Exact{Want: "tac"}, "\"tac\"", 1},
	{"exact in a sentence", probe.Exact{Want: "tac"}, "The word \"cat\" backwards is tac.", 1},
	{"exact repeats the task", probe.Exact{Want: "hello", Not: []string{"nothing"}}, "Say hello and nothing else.", 0},
	{"exact over lines", probe.Exact{Want: "star moon sun"}, "star  moon\nsun", 1},
	{"exact list with and", probe.Exact{Want: "2, 5, 9"}, "The numbers are 2, 5, and 9.", 1},
	{"not the word", probe.Exact{Want: "tac"}, "tact", 0},

	{"object", anna(), `{"name": "Anna", "age": 30}`, 1},
	{"object in a fence", anna(), "Here it is:\n```json\n{\n  \"name\": \"anna\",\n  \"age\": \"30\"\n}\n```\nDone.", 1},
	{"object with one wrong value", anna(), `{"name": "Anna", "age": 31}`, 0.625},
	{"object with wrong keys", anna(), `{"Name": "Anna"}`, 0.25},
	{"empty object", anna(), `{}`, 0},
	{"unquoted keys", anna(), `{name: "Anna", age: 30}`, 0},
	{"cut off", anna(), `{"name": "Anna", "age": `, 0},
	{"braces before the object", anna(), `In {curly} braces: {"name":"Anna","age":30}`, 1},
	{"truth values", probe.Object{Fields: map[string]string{"on": "true"}}, `{"on": true}`, 1},
	{"long decimals stay exact", probe.Object{Fields: map[string]string{"n": "12345678901234567"}}, `{"n": 12345678901234567}`, 1},
}

func choice(want int) probe.Choice {
	return probe.Choice{Options: []string{"chair", "apple", "hammer", "car"}, Want: want}
}

func yes() probe.Label {
	return probe.Label{Want: []string{"yes", "true", "correct"}, Other: []string{"no", "false", "incorrect"}}
}

func positive() probe.Label {
	return probe.Label{Want: []string{"positive"}, Other: []string{"negative"}, Before: []string{"review"}}
}

func anna() probe.Object {
	return probe.Object{Fields: map[string]string{"name": "Anna", "age": "30"}}
}

func TestGraders(t *testing.T) {
	for _, tt := range gradings {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.grader.Score(tt.answer); got != tt.want {
				t.Errorf("%T %+v scores %q %.3f, want %.3f", tt.grader, tt.grader, tt.answer, got, tt.want)
			}
		})
	}
}

func TestGradeTakesTheAnswerBeforeARunOn(t *testing.T) {
	p := probe.Probe{Prompt: "What is 17 + 25?", Grader: probe.Number{Want: 42}}
	for _, tt := range []struct {
		name, reply string
		want        float64
	}{
		{"stops by itself", " 42\n", 1},
		{"asks itself the next question", " 42\nQuestion: What is 1 + 1?\nAnswer: 2", 0.75},
		{"wrong, right one only in its own question", " 41\nQuestion: What is 17 + 25?\nAnswer: 42", 0},
		{"goes round in circles", "42\nThat is it.\nThat is it.\nThat is it.\n7", 0.75},
		{"repeats code fences", "```\n1\n```\nso\n```\n= 42\n```", 1},
		{"chat markup", "42<|im_end|>\n<|im_start|>user 7", 0.75},
		{"second answer", "42\nAnswer: 43\nAnswer: 44", 0.75},
		{"reasons, then one answer", "Add the tens, then the ones.\nAnswer: 42", 1},
		{"starts with a marker", "Answer: 42", 1},
		{"repeats the question first", "Question: What is 17 + 25?\nAnswer: 42", 1},
		{"asks back and answers nothing", "Question: What is 42?\nAnswer:\nQuestion: What is 42?\nAnswer:", 0},
		{"only asks back", "Question: Is it 42?", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := probe.Grade(p, tt.reply); got != tt.want {
				t.Errorf("Grade(%q) = %.2f, want %.2f", tt.reply, got, tt.want)
			}
		})
	}
}

// Some letters have more bytes in lower case: a repeated line behind many of them lies elsewhere in the answer than in
// its lower-case copy.
func TestRepeatsAreCutWhereLowerCaseIsLonger(t *testing.T) {
	p := probe.Probe{Grader: probe.Exact{Want: "end"}}
	for _, letter := range []string{"Ⱥ", "İ"} {
		if got := probe.Grade(p, strings.Repeat(letter, 100)+"\nthe end\nthe end\nthe end\n"); got != 0.75 {
			t.Errorf("behind %q: %.2f, want 0.75", letter, got)
		}
	}
}

// However a model words it, by letter, by text or both: a choice is graded by which option it is.
func TestEveryOptionIsGradedByWhichItIs(t *testing.T) {
	for _, p := range probe.Default() {
		g, ok := p.Grader.(probe.Choice)
		if !ok {
			continue
		}
		for i, text := range g.Options {
			want, letter := 0.0, string(rune('A'+i))
			if i == g.Want {
				want = 1
			}
			for _, answer := range []string{
				text, text + ".", "It is " + text, "The answer is " + text + ".", "Answer: " + text, letter, strings.ToLower(letter), "(" + letter + ")",
				letter + ") " + text, letter + ". " + text, "**" + letter + ") " + text + "**", "The answer is " + letter + ".", "The answer is " + letter + ") " + text,
				"\\boxed{" + letter + "}", "$\\boxed{\\text{" + letter + "}}$", "The answer is \\boxed{" + letter + "}.", "`" + letter + "`", "[" + letter + "]", "It is " + letter,
				"Ans: " + letter, letter + " is correct.", letter + " is the right option.", "**Answer:** " + letter, "Answer:\n" + letter, "Option " + letter,
			} {
				if got := probe.Grade(p, answer); got != want {
					t.Errorf("%s: %q scores %v, want %v; the options are %q", p.ID, answer, got, want, g.Options)
				}
			}
		}
	}
}

// An operator may answer a probe with megabytes, and graders look back and forth: only the beginning is graded.
func TestOfALongReplyTheBeginningIsGraded(t *testing.T) {
	for answer, grader := range map[string]probe.Grader{"yes": yes(), "B)": choice(1), `{"name": "Anna", "age": 30}`: anna(), "42": probe.Number{Want: 42}} {
		for before, want := range map[int]float64{1 << 10: 1, 4 << 20: 0} {
			if got := probe.Grade(probe.Probe{Grader: grader}, strings.Repeat("…\n", before/len("…\n"))+answer); got != want {
				t.Errorf("%s after %d bytes: %v, want %v", answer, before, got, want)
			}
		}
	}
}

// What a reasoning model thinks before it answers is not graded: it weighs wrong answers too.
func TestThoughtsAreNotGraded(t *testing.T) {
	for name, c := range map[string]struct {
		grader probe.Grader
		reply  string
		want   float64
	}{
		"the answer counts":           {probe.Label{Want: []string{"yes"}, Other: []string{"no"}}, "<think>At first sight no.</think>\n\nYes.", 1},
		"not a guess before it":       {probe.Number{Want: 42}, "<think>\nThe answer is 42. No, wait.\n</think>\n\n43", 0},
		"the template has begun it":   {probe.Number{Want: 42}, "Is the answer 43? Hardly.\n</think>\n\n42", 1},
		"nor the object it begins by": {probe.Object{Fields: map[string]string{"a": "1"}}, `<think>{"a": 2} or {"a": 1}?</think>{"a": 1}`, 1},
		"cut off before any answer":   {probe.Number{Want: 42}, "<think>\nThe answer is 42, unless", 0},
		"longer than what is graded":  {probe.Number{Want: 42}, "<think>" + strings.Repeat("hm, 43. ", 8<<10) + "</think>42", 1},
	} {
		if got := probe.Grade(probe.Probe{Grader: c.grader}, c.reply); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
