package indexfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"flotilla/routing/index"
	"flotilla/routing/indexfile"

	"golang.org/x/sync/errgroup"
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
	if parts, err := filepath.Glob(file + "*.part"); err != nil || len(parts) != 0 {
		t.Errorf("left: %v %v", parts, err)
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

// Two programs that write one file at the same time leave what one of them wrote.
func TestWritersAtOnceSpoilNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.fidx")
	var writers errgroup.Group
	for _, rows := range []int{1, 20_000} {
		x := small(t, rows)
		writers.Go(func() error {
			for range 30 {
				if err := indexfile.Write(file, x); err != nil {
					return err
				}
				if y, err := indexfile.Read(file); err != nil || y.Len() != 1 && y.Len() != 20_000 {
					return fmt.Errorf("what is there: %w", err)
				}
			}
			return nil
		})
	}
	if err := writers.Wait(); err != nil {
		t.Error(err)
	}
	if parts, err := filepath.Glob(file + "*.part"); err != nil || len(parts) != 0 {
		t.Errorf("left: %v %v", parts, err)
	}
}

// Of edits at once none is lost: each is made, or is told that another was.
func TestEditsAtOnceAreAllThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.fidx")
	if err := indexfile.Write(file, small(t, 1)); err != nil {
		t.Fatal(err)
	}
	const programs, edits = 4, 25
	var group errgroup.Group
	for range programs {
		group.Go(func() error {
			for made := 0; made < edits; {
				old, err := indexfile.Read(file)
				if err != nil {
					return err
				}
				b := old.Edit()
				if err := b.Add(index.Row{Vector: []float32{1, 0}, Source: "s", Outcomes: []index.Outcome{{Model: "m", Score: 1}}}); err != nil {
					return err
				}
				x, err := b.Build()
				if err != nil {
					return err
				}
				if err = indexfile.Replace(file, x, old.ID()); err == nil {
					made++
				} else if !errors.Is(err, indexfile.ErrChanged) {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if x, err := indexfile.Read(file); err != nil || x.Len() != 1+programs*edits {
		t.Errorf("%d rows, want %d: %v", x.Len(), 1+programs*edits, err)
	}
}

// An edit does not undo another that it has not seen.
func TestAnotherEditIsNotUndone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.fidx")
	one, two, three := small(t, 1), small(t, 2), small(t, 3)
	for _, step := range []struct {
		from []string
		next *index.Index
		want error
	}{{nil, one, nil}, {nil, two, indexfile.ErrChanged}, {[]string{one.ID()}, two, nil}, {[]string{one.ID()}, three, indexfile.ErrChanged}, {[]string{one.ID(), two.ID()}, three, nil}} {
		if err := indexfile.Replace(file, step.next, step.from...); !errors.Is(err, step.want) {
			t.Errorf("%v, want %v", err, step.want)
		}
	}
	if x, err := indexfile.Read(file); err != nil || x.ID() != three.ID() {
		t.Errorf("what is there: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := indexfile.Replace(file, two, three.ID()); err != nil {
		t.Errorf("a file that is gone: %v", err)
	}
}

// What is no plain file, such as /dev/stdout, is left as it is: a rename would put a file in its place.
func TestADeviceIsNotReplaced(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	err := indexfile.Write(pipe, small(t, 3))
	if have, statErr := os.Stat(pipe); err == nil || statErr != nil || have.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("Write says %v, and there is %v (%v)", err, have, statErr)
	}
}
