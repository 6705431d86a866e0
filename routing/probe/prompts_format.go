package probe

import (
	"regexp"
	"strings"
)

// mustCompile compiles a pattern written in this package; Default is covered by tests, so a bad one
// cannot ship.
func mustCompile(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// jsonObjects asks for a JSON object with given keys and values.
func jsonObjects() []Probe {
	var out []Probe
	for _, q := range []struct{ prompt, fields string }{
		{"Write a JSON object with the keys name and age for Anna, who is 30 years old.", "name=Anna age=30"},
		{"Return JSON with the keys city and country for Rome in Italy.", "city=Rome country=Italy"},
		{"Extract the data as JSON with keys \"product\" and \"price\": The lamp costs 25 dollars.", "product=lamp price=25"},
		{"Give me a JSON object that says color is red and size is large.", "color=red size=large"},
		{"Convert to JSON: title: Dune, author: Herbert", "title=Dune author=Herbert"},
		{"Output only valid JSON: {\"status\": ...} where the status is ok.", "status=ok"},
		{"Create a JSON object with one key \"count\" and the value 12.", "count=12"},
		{"Make JSON with keys first and last for the name Alan Turing.", "first=Alan last=Turing"},
		{"I need a JSON record for user bob with id 7. Use the keys id and user.", "id=7 user=bob"},
		{"Respond in JSON with the key \"answer\": what is 2 + 2?", "answer=4"},
		{"Respond in JSON with the key \"capital\": what is the capital of Spain?", "capital=Madrid"},
		{"Turn this into a JSON object with keys animal and sound: The cow says moo.", "animal=cow sound=moo"},
		{"Write JSON with the key active set to true and the key level set to 3.", "active=true level=3"},
		{"Classify the sentiment of \"I hate rain\" and return JSON like {\"sentiment\": \"positive\"} or {\"sentiment\": \"negative\"}.", "sentiment=negative"},
		{"Return a JSON object with keys x and y for the point (4, 9).", "x=4 y=9"},
		{"Give the JSON for a book: title Emma, pages 474.", "title=Emma pages=474"},
	} {
		fields := map[string]string{}
		for _, f := range strings.Fields(q.fields) {
			key, value, _ := strings.Cut(f, "=")
			fields[key] = value
		}
		out = append(out, Probe{Prompt: q.prompt, Grader: Object{Fields: fields}})
	}
	return out
}

// code asks what short Python code prints, and for short Python code.
func code() []Probe {
	out := numbers([]numberPrompt{
		{"What does this Python code print?\nprint(len(\"hello\"))", 5},
		{"What is the output of this code?\nx = 3\nx = x + 4\nprint(x)", 7},
		{"What does print(11 // 4) print in Python?", 2},
		{"What does this print in Python?\nprint(sum([1, 2, 3]))", 6},
		{"What will be printed?\na = [4, 5, 6]\nprint(a[0])", 4},
		{"In Python, what is the value of 2 ** 3?", 8},
		{"What does this Python code print?\nprint(max(3, 9, 2))", 9},
		{"What is the result of 17 % 5 in Python?", 2},
	})
	out = append(out, mentions([]mentionPrompt{
		{"What does this Python code print?\nprint(\"a\" + \"b\")", "ab"},
		{"What does this Python code print?\nprint(\"ha\" * 3)", "hahaha"},
		{"Which keyword defines a function in Python?", "def"},
		{"Which SQL command reads rows from a table?", "SELECT"},
		{"What does HTML stand for?", "HyperText Markup Language|Hyper Text Markup Language"},
	})...)
	for _, q := range []struct {
		prompt   string
		patterns []string
	}{
		{"Write a Python function add(a, b) that returns the sum of a and b.", []string{`def add\(`, `return \(?(?:a \+ b|b \+ a|a\+b)`}},
		{"What is the output?\nprint(\"hello\".upper())", []string{`\bHELLO\b`}},
		{"Write a Python line that prints Hello World.", []string{`print\(\s*["']Hello,? World!?["']\s*\)`}},
		{"Write a Python function square(x) that returns x squared.", []string{`def square\(`, `return \(?(?:x ?\*\* ?2|x ?\* ?x)`}},
		{"Write a Python for loop that prints the numbers 0 to 4.", []string{`for \w+ in range\((?:0, ?)?5\)`, `print\(\w+\)`}},
		{"How do I read a file called data.txt in Python? Show the code.", []string{`open\(\s*["']data\.txt["']`, `\.read\w*\(|for \w+ in \w+`}},
		{"Write an SQL query that selects all columns from the table users.", []string{`(?i)select\s+\*\s+from\s+["'` + "`" + `]?users`}},
		{"Write a Python function is_even(n) that returns True if n is even.", []string{`def is_even\(`, `n ?% ?2 ?(?:==|!=|>) ?[01]|not n ?% ?2`}},
		{"Write a Python list comprehension that doubles every number in a list called nums.", []string{`\[\s*(?:\w+ ?\* ?2|2 ?\* ?\w+|\w+ ?\+ ?\w+) for \w+ in nums\s*\]`}},
	} {
		var g Patterns
		for _, p := range q.patterns {
			g = append(g, mustCompile(p))
		}
		out = append(out, Probe{Prompt: q.prompt, Grader: g})
	}
	return out
}
