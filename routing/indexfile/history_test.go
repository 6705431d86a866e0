package indexfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"flotilla/routing/index"
	"flotilla/routing/indexfile"
)

// grown is x with one row more.
func grown(t *testing.T, x *index.Index) *index.Index {
	t.Helper()
	b := x.Edit()
	if err := b.Add(index.Row{Vector: []float32{0, 1}, Source: "more", Outcomes: []index.Outcome{{Model: "m", Score: 0.5}}}); err != nil {
		t.Fatal(err)
	}
	return built(t, b)
}

func built(t *testing.T, b *index.Builder) *index.Index {
	t.Helper()
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func sizeOf(t *testing.T, dir string) (bytes int64, files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes, files = bytes+info.Size(), files+1
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes, files
}

// Every generation comes back bit for bit, of whatever another program has made the index meanwhile, and small edits cost little.
func TestGenerationsComeBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "generations")
	h := indexfile.NewHistory(dir)
	x := small(t, 5_000)
	var all []*index.Index
	for i := range 12 {
		if i == 6 {
			x = small(t, 1) // another file was put in its place
		}
		if i == 9 {
			x = built(t, all[3].Edit())
		}
		for range 2 { // a second time costs nothing
			if err := indexfile.NewHistory(dir).Keep(x); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, x)
		x = grown(t, x)
	}
	for i, x := range all {
		y, err := h.Read(x.ID()[:8])
		if err != nil || y.ID() != x.ID() {
			t.Errorf("generation %d: %v", i, err)
		}
	}
	if bytes, files := sizeOf(t, dir); files != len(all) || bytes > 2*int64(len(small(t, 5_000).Encode())) {
		t.Errorf("%d generations are %d files of %d bytes", len(all), files, bytes)
	}
	for _, id := range []string{"", "0", all[0].ID()[:7], small(t, 2).ID()} {
		if _, err := h.Read(id); !errors.Is(err, indexfile.ErrNotKept) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// What is not of its own making is neither listed nor removed, and what fits its bound stays, deltas counted.
func TestAHistoryKeepsItsOwn(t *testing.T) {
	dir := t.TempDir()
	for _, foreign := range []string{"notes", "0", "-1"} {
		if err := indexfile.Write(filepath.Join(makeDir(t, dir, foreign), small(t, 7).ID()+".fidx"), small(t, 7)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "9"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first := small(t, 300)
	b, err := index.NewBuilder("e", 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 400 { // none is in the first's rows, so that it is a group
		if err := b.Add(index.Row{Vector: []float32{0, 1}, Source: "other", Outcomes: []index.Outcome{{Model: "m", Score: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	other := built(t, b)
	h := indexfile.Bounded(dir, int64(len(first.Encode())+len(other.Encode())), 1000)
	if err := errors.Join(h.Keep(first), h.Keep(other)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(first.ID()); err != nil {
		t.Errorf("there was room for it: %v", err)
	}
	if _, err := h.Read(small(t, 7).ID()); !errors.Is(err, indexfile.ErrNotKept) {
		t.Errorf("one that it did not keep: %v", err)
	}
	if removed, err := h.Forget(first); removed != 1 || err != nil {
		t.Errorf("removed %d (%v), want 1", removed, err)
	}
	if err := errors.Join(h.Keep(grown(t, first)), h.Keep(other)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(first.ID()); !errors.Is(err, indexfile.ErrNotKept) {
		t.Errorf("with its delta there was no room for it: %v", err)
	}
	if _, files := sizeOf(t, dir); files != 5 {
		t.Errorf("%d files, want the newest and the four that were not its own", files)
	}
}

func makeDir(t *testing.T, path ...string) string {
	t.Helper()
	dir := filepath.Join(path...)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The oldest go, the newest never.
func TestAHistoryIsBounded(t *testing.T) {
	whole := int64(len(small(t, 300).Encode()))
	for name, h := range map[string]struct {
		maxBytes int64
		maxFiles int
	}{"bytes": {3 * whole, 1000}, "files": {1 << 40, 5}, "nothing": {0, 0}} {
		dir := t.TempDir()
		bounded := indexfile.Bounded(dir, h.maxBytes, h.maxFiles)
		var all []*index.Index
		for i := range 8 { // none is in another's rows, so that each is a group
			b, err := index.NewBuilder("e", 2)
			if err != nil {
				t.Fatal(err)
			}
			for row := range 300 {
				if err := b.Add(index.Row{Vector: []float32{1, 0}, Source: string(rune('a' + i)), Outcomes: []index.Outcome{{Model: "m", Score: float64(row%2) / 2}}}); err != nil {
					t.Fatal(err)
				}
			}
			all = append(all, built(t, b))
			if err := bounded.Keep(all[i]); err != nil {
				t.Fatal(err)
			}
			if y, err := bounded.Read(all[i].ID()); err != nil || y.ID() != all[i].ID() {
				t.Errorf("%s: the newest: %v", name, err)
			}
		}
		if _, err := bounded.Read(all[0].ID()); !errors.Is(err, indexfile.ErrNotKept) {
			t.Errorf("%s: the oldest: %v", name, err)
		}
		if bytes, files := sizeOf(t, dir); files > max(h.maxFiles, 1) || bytes > max(h.maxBytes, whole) {
			t.Errorf("%s: %d files of %d bytes", name, files, bytes)
		}
	}
}

// What a crash or a bad disk leaves keeps no later generation from being kept, and no damaged one is given for what it was.
func TestWhatIsDamagedIsNotGiven(t *testing.T) {
	first := small(t, 300)
	second, third := grown(t, first), grown(t, small(t, 299))
	for name, damage := range map[string]func(group string) error{
		"base cut":     func(g string) error { return os.Truncate(filepath.Join(g, first.ID()+".fidx"), 100) },
		"base gone":    func(g string) error { return os.Remove(filepath.Join(g, first.ID()+".fidx")) },
		"group empty":  func(g string) error { return errors.Join(os.RemoveAll(g), os.Mkdir(g, 0o700)) },
		"delta cut":    func(g string) error { return os.Truncate(filepath.Join(g, second.ID()+".delta"), 50) },
		"another base": func(g string) error { return indexfile.Write(filepath.Join(g, first.ID()+".fidx"), small(t, 5)) },
		"a part": func(g string) error {
			return errors.Join(os.Remove(filepath.Join(g, first.ID()+".fidx")), os.WriteFile(filepath.Join(g, third.ID()+".fidx.part"), []byte("FID"), 0o600))
		},
	} {
		dir := t.TempDir()
		h := indexfile.NewHistory(dir)
		if err := errors.Join(h.Keep(first), h.Keep(second), damage(filepath.Join(dir, "00000001"))); err != nil {
			t.Fatal(err)
		}
		for _, x := range []*index.Index{first, second} {
			if y, err := h.Read(x.ID()); err == nil && y.ID() != x.ID() {
				t.Errorf("%s: %s is given for %s", name, y.ID(), x.ID())
			} else if err != nil && !errors.Is(err, indexfile.ErrNotKept) && !errors.Is(err, index.ErrCorrupt) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, x := range []*index.Index{second, third} { // as a gateway that starts again does with what it has
			if err := h.Keep(x); err != nil {
				t.Errorf("%s: keep the next: %v", name, err)
			}
			if y, err := h.Read(x.ID()); err != nil || y.ID() != x.ID() {
				t.Errorf("%s: the next: %v", name, err)
			}
		}
	}
}

// What was removed from the index is on no disk any more once the generations before are forgotten, and the history goes on.
func TestForgottenGenerationsAreGone(t *testing.T) {
	dir := t.TempDir()
	h := indexfile.NewHistory(dir)
	first := small(t, 300)
	second := grown(t, first) // has a row of the source "more"
	b := second.Edit()
	if _, err := (index.Removal{Source: "more"}).Apply(b); err != nil {
		t.Fatal(err)
	}
	last := built(t, b)
	if err := errors.Join(h.Keep(second), h.Keep(first), h.Keep(small(t, 5)), h.Keep(last)); err != nil { // last and first are deltas from second
		t.Fatal(err)
	}
	for want := 3; want >= 0; want -= 3 { // a second time there is nothing
		if removed, err := h.Forget(last); removed != want || err != nil {
			t.Errorf("removed %d (%v), want %d", removed, err, want)
		}
	}
	if x, err := h.Read(last.ID()); err != nil || x.ID() != last.ID() {
		t.Errorf("the one in use: %v", err)
	}
	for _, x := range []*index.Index{first, second} {
		if _, err := h.Read(x.ID()); !errors.Is(err, indexfile.ErrNotKept) {
			t.Errorf("a forgotten one: %v", err)
		}
	}
	if bytes, files := sizeOf(t, dir); files != 1 || bytes != int64(len(last.Encode())) {
		t.Errorf("%d files of %d bytes are left", files, bytes)
	}
	next := grown(t, last)
	if err := h.Keep(next); err != nil {
		t.Fatal(err)
	}
	if x, err := h.Read(next.ID()[:8]); err != nil || x.ID() != next.ID() {
		t.Errorf("the next one: %v", err)
	}
}

func TestWhatNamesNoGeneration(t *testing.T) {
	for _, id := range []string{"", "abc", "0123abc", "../../../index", "0x01234567", "ABCDEF01", "01234567" + small(t, 1).ID()} {
		if err := indexfile.CheckID(id); err == nil {
			t.Errorf("%q names one", id)
		}
	}
	for _, id := range []string{"01234567", small(t, 1).ID()} {
		if err := indexfile.CheckID(id); err != nil {
			t.Error(err)
		}
	}
}
