package probe

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// seed fixes the generated prompts of this Version; it has no meaning of its own.
const seed = 20261123

// arithmetic asks for the result of one short calculation, in varied wording and size.
func arithmetic() []Probe {
	rng := rand.New(rand.NewPCG(seed, 1))
	wordings := []string{
		"What is %s?", "Calculate %s.", "%s = ?", "How much is %s?",
		"Please compute %s and give only the number.", "I need the result of %s.",
	}
	var out []Probe
	for i := range 24 {
		var expr string
		var want int
		switch size := []int{9, 40, 400}[i/8]; i % 4 {
		case 0:
			a, b := 2+rng.IntN(size), 2+rng.IntN(size)
			expr, want = fmt.Sprintf("%d + %d", a, b), a+b
		case 1:
			a, b := 2+rng.IntN(size), 2+rng.IntN(size)
			expr, want = fmt.Sprintf("%d - %d", a+b, b), a
		case 2:
			a, b := 2+rng.IntN(8), 2+rng.IntN(size/3+5)
			expr, want = fmt.Sprintf("%d * %d", a, b), a*b
		default:
			a := 2 + rng.IntN(8)
			b := a + 1 + rng.IntN(size/3+5) // differs from a, so that repeating the prompt is no answer
			expr, want = fmt.Sprintf("%d / %d", a*b, a), b
		}
		out = append(out, Probe{Prompt: fmt.Sprintf(wordings[i%len(wordings)], expr), Grader: Number{Want: float64(want)}})
	}
	return out
}

// sequences asks for the next number of arithmetic, geometric and square sequences.
func sequences() []Probe {
	rng := rand.New(rand.NewPCG(seed, 2))
	wordings := []string{
		"What number comes next: %s, ...?", "Continue the sequence: %s,", "Fill in the next number. %s, __",
		"Here is a pattern: %s. What is the next number?",
	}
	var out []Probe
	for i := range 18 {
		var terms []int
		switch start, step := 1+rng.IntN(9), 2+rng.IntN(9); {
		case i < 6:
			terms = ramp(start, 1+i%3)
		case i < 12:
			terms = ramp(start*3, step)
		case i < 14:
			terms = ramp(start+60, -step)
		case i < 16:
			terms = doubling(start, 2+i%2)
		default:
			terms = squares(start)
		}
		given, want := terms[:4], terms[4]
		out = append(out, Probe{
			Prompt: fmt.Sprintf(wordings[i%len(wordings)], joinInts(given)),
			Grader: Sequence{Given: given, Want: want},
		})
	}
	return out
}

// ramp returns five terms with a constant difference.
func ramp(start, step int) []int {
	return []int{start, start + step, start + 2*step, start + 3*step, start + 4*step}
}

// doubling returns five terms with a constant factor.
func doubling(start, factor int) []int {
	out := []int{start}
	for range 4 {
		out = append(out, out[len(out)-1]*factor)
	}
	return out
}

// squares returns five successive squares.
func squares(start int) []int {
	var out []int
	for i := range 5 {
		out = append(out, (start+i)*(start+i))
	}
	return out
}

func joinInts(ns []int) string {
	parts := make([]string, len(ns))
	for i, n := range ns {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ", ")
}

// wordProblems are hand-written one- and two-step stories.
func wordProblems() []Probe {
	return numbers([]numberPrompt{
		{"Tom has 3 apples and buys 2 more. How many apples does he have?", 5},
		{"A box holds 6 eggs. How many eggs are in 4 boxes?", 24},
		{"Sara had 15 stickers and gave 6 to her brother. How many stickers does she have left?", 9},
		{"A bus has 20 passengers. At the next stop 7 get off and 4 get on. How many passengers are on the bus now?", 17},
		{"A pen costs 2 dollars. How many dollars do 8 pens cost?", 16},
		{"There are 24 cookies to be shared equally by 6 children. How many cookies does each child get?", 4},
		{"A train travels 60 miles per hour. How many miles does it travel in 3 hours?", 180},
		{"Maria reads 12 pages every day. How many pages does she read in a week?", 84},
		{"A shirt costs 40 dollars and is sold at 25 percent off. What is the sale price in dollars?", 30},
		{"Ben is 8 years old. His sister is twice as old as he is. How old is his sister?", 16},
		{"A farmer has 5 cows and 9 chickens. How many legs do the animals have altogether?", 38},
		{"I bought 3 notebooks for 4 dollars each and paid with a 20 dollar bill. How much change do I get?", 8},
		{"A rectangle is 7 meters long and 5 meters wide. What is its area in square meters?", 35},
		{"If it takes 10 minutes to walk one kilometer, how many minutes does it take to walk 4 kilometers?", 40},
		{"Anna has twice as many marbles as Leo. Leo has 11 marbles. How many marbles do they have together?", 33},
		{"A recipe needs 200 grams of flour for 4 people. How many grams of flour are needed for 6 people?", 300},
		{"There are 30 students in a class and 18 of them are girls. How many boys are in the class?", 12},
		{"A tank holds 90 liters of water and loses 5 liters every hour. After how many hours is it empty?", 18},
		{"Peter saves 15 dollars every month. How many dollars has he saved after one year?", 180},
		{"A movie starts at 7 pm and lasts 2 hours. At what hour pm does it end?", 9},
	})
}

// numberPrompt is a hand-written question whose answer is a number.
type numberPrompt struct {
	prompt string
	want   float64
}

func numbers(prompts []numberPrompt) []Probe {
	var out []Probe
	for _, p := range prompts {
		out = append(out, Probe{Prompt: p.prompt, Grader: Number{Want: p.want}})
	}
	return out
}
