package probe

import "strings"

// keywordPrompt is a question whose answer must mention a word of each group: "a|b + c" has two.
type keywordPrompt struct{ prompt, groups string }

func keywords(prompts []keywordPrompt) []Probe {
	var out []Probe
	for _, p := range prompts {
		g := Keywords{}
		for group := range strings.SplitSeq(p.groups, " + ") {
			g.Groups = append(g.Groups, strings.Split(group, "|"))
		}
		out = append(out, Probe{Prompt: p.prompt, Grader: g})
	}
	return out
}

// definitions asks what something is; the answer must use words that the prompt does not contain.
func definitions() []Probe {
	return keywords([]keywordPrompt{
		{"What is photosynthesis?", "light|sunlight|sun|solar + plant*|leaves + energy|sugar|glucose|oxygen|carbon"},
		{"Define \"gravity\" in one sentence.", "force|attract*|pull* + mass|earth|object*|bod*"},
		{"What is a thermometer used for?", "temperature*|heat"},
		{"Explain what a library is.", "book*|reading|read + borrow*|collection|public|place|building|access|study*"},
		{"What is an island?", "land + water|sea|ocean"},
		{"What does a dentist do?", "teeth|tooth|dental|oral|mouth|gum*"},
		{"Explain in simple words what inflation is.", "price*|cost* + rise*|rising|increase*|higher|up|money"},
		{"What is a computer virus?", "program*|software|code|malware|malicious + harm*|damage*|infect*|spread*|steal*|malicious"},
		{"What is a democracy?", "people|citizen* + vote*|voting|elect*|govern*|power"},
		{"Describe what an umbrella is for.", "rain*|sun*|wet|weather"},
		{"What is the water cycle?", "evaporat* + rain*|precipitation|condens*"},
		{"What is an algorithm?", "step*|procedure*|instruction*|rule*|process|set + problem*|task*|solve*|solving|comput*"},
		{"What is a mammal?", "milk|fur|hair|warm|backbone|vertebrate* + animal*|vertebrate*"},
		{"Explain what recycling means.", "waste|material*|trash|used|old|reuse*|reusing|garbage|discarded"},
		{"What is a vaccine?", "immun*|antibod* + disease*|infection*|virus*|illness*"},
		{"What is an open source licence?", "code|software + free*|use|modify|distribut*|share*|access|anyone|public*"},
		{"What is a blockchain?", "ledger*|database|record*|block* + decentral*|distribut*|transaction*|chain"},
		{"What is machine learning?", "data + computer*|algorithm*|model*|artificial|pattern*|predict*"},
	})
}

// summaries asks for one sentence about a short text: it must keep the point and be shorter than
// the text, so that copying the text scores nothing.
func summaries() []Probe {
	ask := []string{"Summarize in one sentence: ", "Give me the main point of this text in one short sentence. ", "TL;DR of the following text, in one sentence: "}
	texts := []keywordPrompt{
		{"The town council met on Tuesday night. After three hours of debate about costs, traffic and noise, it voted to build a new bridge over the river next year.", "bridge + council|town|vote*|build*"},
		{"Emma had studied for weeks and slept badly the night before. When the letter came she opened it with shaking hands, and then she laughed, because she had passed the exam.", "exam + pass*"},
		{"The company sold fewer phones this quarter than last year. Its chief said that people keep their old phones longer, and that profits would fall as a result.", "phone* + fewer|fall*|fell|declin*|drop*|less|lower|decreas*|longer"},
		{"Researchers followed ten thousand adults for twenty years. Those who walked at least half an hour every day had far fewer heart attacks than those who did not.", "walk* + heart"},
		{"It rained for nine days without a break. The river rose above its banks and water ran into hundreds of homes, so the mayor asked everyone near the river to leave.", "flood*|river|rain*|water + leave|evacuat*|home*"},
		{"The museum will be closed from January to March. During these months workers will repair the roof and install new lights, and it will open again in April.", "museum + clos*|repair*|renovat*|reopen*|open"},
		{"Our cat Misty disappeared in June. We put up posters all over the neighborhood, and in August a woman two streets away found her asleep in a garden shed.", "cat|Misty + found|find*|disappear*|shed"},
		{"Bees visit flowers to collect nectar. While they do so they carry pollen from one flower to the next, and without this many crops would give no fruit at all.", "bee|bees + pollen|pollinat*|crop*|fruit|flower*"},
		{"The software update was meant to fix a small mistake. Instead it stopped thousands of computers from starting, and the airline had to cancel half of its flights on Friday.", "update*|software|computer* + cancel*|flight*|airline"},
		{"Many people in the village grow coffee. This year an insect ate most of the plants, so families earned little, and several young people moved to the city to find work.", "coffee|plant* + insect*|city|work|earn*|village"},
		{"The new library card is free for everyone under eighteen. With it children can borrow ten books at a time, and they pay nothing when they bring them back late.", "library|card + free|borrow*|child*|book*"},
		{"Scientists found water ice in a dark crater on the moon. It could one day give astronauts something to drink, and fuel for rockets that go on to other planets.", "ice|water + moon"},
	}
	out := keywords(texts)
	for i, p := range out {
		g := p.Grader.(Keywords)
		g.MaxWords = len(strings.Fields(p.Prompt)) * 7 / 8
		out[i] = Probe{Prompt: ask[i%len(ask)] + p.Prompt, Grader: g}
	}
	return out
}
