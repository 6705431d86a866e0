package localmodels

import (
	"fmt"
	"regexp"
	"strings"
)

// requirement is one pinned entry of a pip requirement file.
type requirement struct {
	Name, Version string
	Text          string // the entry with its --hash options, as pip reads it
}

// wheelGlob matches the wheel's file name: wheel names write '-' in a package name as '_'.
func (r requirement) wheelGlob() string {
	return strings.ReplaceAll(r.Name, "-", "_") + "-" + r.Version + "-*.whl"
}

// parseRequirements splits a pip requirement file into its entries. Each must pin a version and
// carry at least one sha256, so that nothing unpinned can slip into the file.
func parseRequirements(file string) ([]requirement, error) {
	entry := regexp.MustCompile(`^([a-z0-9-]+)==([0-9.]+)((?: --hash=sha256:[0-9a-f]{64})+)$`)
	var out []requirement
	for line := range strings.Lines(strings.ReplaceAll(file, "\\\n", " ")) {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := entry.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("requirement %q: want name==version --hash=sha256:<64 hex>", line)
		}
		out = append(out, requirement{Name: m[1], Version: m[2], Text: line + "\n"})
	}
	return out, nil
}
