package probe_test

import (
	"testing"

	"flotilla/routing/probe"
)

func TestDefaultIsVariedUniqueAndNotAnsweredByEcho(t *testing.T) {
	probes := probe.Default()
	if len(probes) < 240 {
		t.Fatalf("%d probes, want at least 240", len(probes))
	}
	ids, prompts, categories := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, p := range probes {
		if ids[p.ID] || prompts[p.Prompt] {
			t.Errorf("%s occurs twice (%q)", p.ID, p.Prompt)
		}
		ids[p.ID], prompts[p.Prompt] = true, true
		categories[p.Category]++
		if s := probe.Grade(p, p.Prompt); s > 0.5 {
			t.Errorf("%s: repeating the prompt %q scores %.2f", p.ID, p.Prompt, s)
		}
		if s := probe.Grade(p, ""); s != 0 {
			t.Errorf("%s: an empty answer scores %.2f", p.ID, s)
		}
		if s := probe.Grade(p, "I am not sure how to help with that."); s != 0 {
			t.Errorf("%s: an evasion scores %.2f", p.ID, s)
		}
	}
	if len(categories) < 12 {
		t.Errorf("%d categories, want at least 12", len(categories))
	}
	t.Log(len(probes), categories)
}
