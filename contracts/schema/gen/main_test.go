package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

func TestCommittedFilesAreWhatTheSchemaGives(t *testing.T) {
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs, run go run ./contracts/schema/gen (-generated +committed):\n%s", path, diff)
		}
	}
}

func TestSpliceRefusesAFileWithoutMarkers(t *testing.T) {
	if out, err := splice("library MessageHash {}", "text"); err == nil {
		t.Errorf("spliced into a file without markers: %q", out)
	}
}
