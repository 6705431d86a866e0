package indexfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"flotilla/routing/index"
	"flotilla/routing/indexfile"
)

func small(t *testing.T, rows int) *index.Index {
	t.Helper()
	b, err := index.NewBuilder("e", 2)
	if err != nil {
		t.Fatal(err)
	}
	for range rows {
		if err := b.Add(index.Row{Vector: []float32{1, 0}, Source: "s", Outcomes: []index.Outcome{{Model: "m", Score: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestAFileIsReplacedAsAWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.fidx")
	if _, err := indexfile.Read(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(file+".part", []byte("what a crash left, longer than the index that follows"), 0o600); err != nil {
		t.Fatal(err)
	}
	for rows := 1; rows <= 2; rows++ {
		x := small(t, rows)
		if err := indexfile.Write(file, x); err != nil {
			t.Fatal(err)
		}
		y, err := indexfile.Read(file)
		if err != nil || y.ID() != x.ID() || y.Len() != rows {
			t.Fatalf("%d rows: %v", rows, err)
		}
	}
	if err := indexfile.Write(filepath.Join(file, "under-a-file"), small(t, 1)); err == nil {
		t.Error("written under a file")
	}
	if y, err := indexfile.Read(file); err != nil || y.Len() != 2 {
		t.Errorf("after a failed write: %v", err)
	}
	if err := os.Truncate(file, 40); err != nil {
		t.Fatal(err)
	}
	if _, err := indexfile.Read(file); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("cut file: %v", err)
	}
}
