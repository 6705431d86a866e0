package probe

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// examQuestions are of the kind that tells large models apart: subjects of higher education, six options.
func examQuestions() []Probe {
	var out []Probe
	for i, q := range []struct{ question, right, wrong string }{
		{"A firm in perfect competition makes the most profit where its price equals", "marginal cost", "average fixed cost|total cost|average revenue plus tax|marginal utility|opportunity rent"},
		{"Which enzyme joins Okazaki fragments during DNA replication?", "DNA ligase", "helicase|primase|topoisomerase|RNA polymerase|reverse transcriptase"},
		{"What is the derivative of x·ln(x) with respect to x?", "ln(x) + 1", "1/x|ln(x)|x/ln(x)|ln(x) − 1|x + ln(x)"},
		{"Which treaty ended the Thirty Years' War?", "Peace of Westphalia", "Treaty of Utrecht|Peace of Augsburg|Treaty of Versailles|Congress of Vienna|Treaty of Tordesillas"},
		{"In a first-order reaction with a half-life of 10 minutes, what share of the reactant is left after 30 minutes?", "12.5 %", "50 %|33.3 %|25 %|6.25 %|0 %"},
		{"Which philosopher held that one should act only on maxims that can be willed as universal law?", "Immanuel Kant", "David Hume|John Stuart Mill|Aristotle|Friedrich Nietzsche|Thomas Hobbes"},
		{"A ball is thrown straight up at 20 m/s. With g = 10 m/s², what height does it reach?", "20 m", "10 m|40 m|200 m|2 m|30 m"},
		{"Which data structure gives amortised constant-time insertion and look-up by key?", "hash table", "binary heap|linked list|stack|red-black tree|skip list"},
		{"Which schedule of reinforcement resists extinction the longest?", "variable ratio", "fixed ratio|fixed interval|continuous|variable interval with delay|delayed fixed ratio"},
		{"The matrix with rows (2, 0) and (0, 3) has which eigenvalues?", "2 and 3", "0 and 6|1 and 5|−2 and −3|5 and 6|0 and 3"},
		{"Which vitamin's lack causes scurvy?", "vitamin C", "vitamin A|vitamin D|vitamin B12|vitamin K|vitamin E"},
		{"Two resistors of 6 Ω and 3 Ω in parallel have a resistance of", "2 Ω", "9 Ω|4.5 Ω|18 Ω|3 Ω|0.5 Ω"},
		{"In contract law, what must a promise have in exchange to be enforceable?", "consideration", "notarisation|restitution|estoppel|publication|subrogation"},
		{"What is the hybridisation of the carbon atoms in ethene?", "sp²", "sp³|sp|sp³d|dsp²|p only"},
		{"Which bias makes people judge how frequent things are by how easily examples come to mind?", "availability heuristic", "anchoring|hindsight bias|framing effect|sunk-cost fallacy|halo effect"},
		{"How many ways are there to choose 3 people out of 7?", "35", "21|210|343|28|42"},
		{"If the reserve ratio is 10 %, by how much can a deposit of $100 raise the money supply at most, in simple theory?", "$1000", "$100|$90|$110|$10|$10000"},
		{"Which part of the nephron takes back most of the filtered water?", "proximal tubule", "glomerulus|Bowman's capsule|distal tubule|collecting duct valve|renal pelvis"},
		{"A gas at constant temperature is compressed to a third of its volume. Its pressure becomes", "three times as high", "a third as high|nine times as high|unchanged|half as high|six times as high"},
		{"What does a p-value of 0.03 mean?", "if the null hypothesis holds, data this extreme occur in 3 % of samples", "the null hypothesis is true with probability 3 %|the effect is 3 % large|97 % of the data fit|the result repeats in 3 % of studies|the test has a power of 3 %"},
	} {
		options := strings.Split(q.wrong, "|")
		want := (i*5 + 2) % 6 // spreads the right option over A to F
		options = append(options[:want:want], append([]string{q.right}, options[want:]...)...)
		prompt := q.question
		for j, text := range options {
			prompt += "\n" + string(rune('A'+j)) + ") " + text
		}
		out = append(out, Probe{Prompt: prompt + "\nAnswer with the letter of the right option.", Grader: Choice{Options: options, Want: want}})
	}
	return out
}

// longProblems are stories of several steps; the numbers are drawn, the answers follow.
func longProblems() []Probe {
	rng := rand.New(rand.NewPCG(seed, 4))
	between := func(low, high int) int { return low + rng.IntN(high-low+1) }
	ask := " Think step by step and end with \"The answer is\" and the number."
	var out []Probe
	add := func(want int, format string, args ...any) {
		out = append(out, Probe{Prompt: fmt.Sprintf(format, args...) + ask, Grader: Number{Want: float64(want)}})
	}
	for range 4 {
		days, pages, more := between(4, 7), between(11, 24), between(3, 6)
		add(days*pages+(days-1)*days/2*more, "Nora reads %d pages on the first day and then each day %d pages more than on the day before. How many pages has she read after %d days?", pages, more, days)
		price, tickets, off := 5*between(5, 11), between(7, 12), between(2, 4)
		add(price*tickets-price*off/5*2, "A ticket costs %d dollars. A group buys %d tickets; %d of them are for children, who get a discount of 40 percent. How many dollars does the group pay?", price, tickets, off)
		speed, hours, slower := 10*between(5, 9), between(2, 4), 10*between(1, 3)
		add(speed*hours+(speed-slower)*(hours+1), "A car drives %d hours at %d kilometers per hour and then one hour longer than that at a speed that is %d kilometers per hour lower. How many kilometers does it drive in all?", hours, speed, slower)
		start, grow, years := 100*between(3, 9), between(2, 3), between(3, 4)
		total := start
		for range years {
			total *= grow
		}
		add(total-50*years, "A colony has %d bees. Each year the number is multiplied by %d. After %d years a count is made, and 50 bees are subtracted for each year because of double counting. What number does the count report?", start, grow, years)
	}
	return out
}

// grids are puzzles about three neighbours, each with one solution.
func grids() []Probe {
	rng := rand.New(rand.NewPCG(seed, 5))
	var out []Probe
	for range 12 {
		out = append(out, grid(rng))
	}
	return out
}

var (
	people = []string{"Ada", "Boris", "Clara"}
	pets   = []string{"cat", "dog", "parrot"}
	drinks = []string{"tea", "milk", "juice"}
	houses = []string{"first", "second", "third"}
	orders = [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
)

// street says who lives, which pet is kept and what is drunk in each house.
type street struct{ person, pet, drink []int }

// hint is a statement about a street.
type hint struct {
	text string
	true func(street) bool
}

// grid draws a street and true hints about it until they leave one street.
func grid(rng *rand.Rand) Probe {
	solution := street{orders[rng.IntN(6)], orders[rng.IntN(6)], orders[rng.IntN(6)]}
	var hints []hint
	left := streets()
	for len(left) > 1 {
		h := drawHint(rng)
		if !h.true(solution) {
			continue
		}
		var fit []street
		for _, s := range left {
			if h.true(s) {
				fit = append(fit, s)
			}
		}
		if len(fit) < len(left) {
			left, hints = fit, append(hints, h)
		}
	}
	at := rng.IntN(3)
	var b strings.Builder
	b.WriteString("Ada, Boris and Clara live in three houses in a row, the first on the left. One keeps a cat, one a dog, one a parrot. One drinks tea, one milk, one juice.\n")
	for _, h := range hints {
		b.WriteString("- " + h.text + "\n")
	}
	fmt.Fprintf(&b, "Who keeps the %s? Reply with the name only.", pets[solution.pet[at]])
	var not []string
	for i, p := range people {
		if i != solution.person[at] {
			not = append(not, p)
		}
	}
	return Probe{Prompt: b.String(), Grader: Exact{Want: people[solution.person[at]], Not: not}}
}

func streets() []street {
	var out []street
	for _, a := range orders {
		for _, b := range orders {
			for _, c := range orders {
				out = append(out, street{a, b, c})
			}
		}
	}
	return out
}

// place is the house in which i is found.
func place(row []int, i int) int {
	for at, v := range row {
		if v == i {
			return at
		}
	}
	return -1
}

func drawHint(rng *rand.Rand) hint {
	i, j, h := rng.IntN(3), rng.IntN(3), rng.IntN(3)
	switch rng.IntN(5) {
	case 0:
		return hint{people[i] + " does not live in the " + houses[h] + " house.", func(s street) bool { return place(s.person, i) != h }}
	case 1:
		return hint{"The owner of the " + pets[i] + " drinks " + drinks[j] + ".", func(s street) bool { return place(s.pet, i) == place(s.drink, j) }}
	case 2:
		return hint{people[i] + " does not drink " + drinks[j] + ".", func(s street) bool { return place(s.person, i) != place(s.drink, j) }}
	case 3:
		return hint{people[i] + " lives directly to the left of the house with the " + pets[j] + ".", func(s street) bool { return place(s.person, i)+1 == place(s.pet, j) }}
	}
	return hint{"In the " + houses[h] + " house they drink " + drinks[i] + ".", func(s street) bool { return place(s.drink, i) == h }}
}

// programs asks what a short program prints.
func programs() []Probe {
	var out []Probe
	for _, p := range []numberPrompt{
		{"x = 3\nfor i in range(4):\n    x = x * 2 - i\nprint(x)", 37},
		{"s = 0\nfor n in [4, 9, 15, 22]:\n    if n % 2 == 1:\n        s += n\nprint(s)", 24},
		{"def f(n):\n    return 1 if n < 2 else f(n - 1) + f(n - 2)\nprint(f(6))", 13},
		{"a = [5, 1, 4]\na.sort()\na.append(a[0] + a[-1])\nprint(sum(a))", 16},
		{"d = {'x': 2, 'y': 7}\nd['x'] += d['y']\nd['z'] = d['x'] * 3\nprint(d['z'])", 27},
		{"n = 45\nc = 0\nwhile n > 1:\n    n = n // 2\n    c += 1\nprint(c)", 5},
		{"w = 'banana'\nprint(len(set(w)) * w.count('a'))", 9},
		{"m = [[1, 2], [3, 4]]\nprint(sum(r[1] * r[0] for r in m))", 14},
		{"x, y = 5, 12\nx, y = y % x, x ** 2\nprint(x + y)", 27},
		{"t = 1\nfor k in range(2, 6):\n    t *= k\nprint(t // 7)", 17},
	} {
		out = append(out, Probe{Prompt: "What does this Python program print? Reply with the number only.\n\n" + p.prompt, Grader: Number{Want: p.want}})
	}
	return out
}
