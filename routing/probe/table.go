package probe

import (
	"fmt"
	"slices"
	"strings"
)

// Table renders mean score and mean output tokens by category and model as a Markdown table.
func Table(rows []Row) string {
	var models, categories []string
	for _, r := range rows {
		for m := range r.Scores {
			if !slices.Contains(models, m) {
				models = append(models, m)
			}
		}
		if !slices.Contains(categories, r.Category) {
			categories = append(categories, r.Category)
		}
	}
	slices.Sort(models)
	var b strings.Builder
	b.WriteString("| category | prompts |")
	for _, m := range models {
		fmt.Fprintf(&b, " %s score | tokens |", m)
	}
	b.WriteString("\n| --- | ---: |" + strings.Repeat(" ---: | ---: |", len(models)) + "\n")
	for _, c := range append(categories, "") {
		writeTableLine(&b, rows, models, c)
	}
	return b.String()
}

// writeTableLine writes the means over one category, or over all when category is empty.
func writeTableLine(b *strings.Builder, rows []Row, models []string, category string) {
	name, n := category, 0
	if category == "" {
		name = "**all**"
	}
	score, tokens, asked := map[string]float64{}, map[string]int{}, map[string]int{}
	for _, r := range rows {
		if category != "" && r.Category != category {
			continue
		}
		n++
		for m, s := range r.Scores {
			score[m] += s
			tokens[m] += r.OutputTokens[m]
			asked[m]++
		}
	}
	fmt.Fprintf(b, "| %s | %d |", name, n)
	for _, m := range models {
		if asked[m] == 0 {
			b.WriteString(" – | – |")
			continue
		}
		fmt.Fprintf(b, " %.2f | %.0f |", score[m]/float64(asked[m]), float64(tokens[m])/float64(asked[m]))
	}
	b.WriteString("\n")
}
