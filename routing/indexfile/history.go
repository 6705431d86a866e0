package indexfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"flotilla/routing/index"
)

// Bounds of a History. The newest group always stays: where one index is larger, it and its deltas are all there is.
const (
	maxHistoryBytes = 512 << 20 // of the built-in index some 10,000 generations of one verdict each, of 100,000 rows some 2,500
	maxHistoryFiles = 20_000    // which bounds the work of listing them
	// minGroupBytes is how much the deltas of a group may have together where its base is smaller.
	minGroupBytes = 1 << 20
)

// ErrNotKept: a History does not have that generation, or not any more.
var ErrNotKept = errors.New("that generation of the index is not kept")

// History keeps the generations of an index in a folder, so that decisions which were made with one can be made again. They
// lie in numbered groups: of each the first whole (ID.fidx), the others as deltas from that (ID.delta), none from another delta, so that each
// is read in one step. A group ends when its deltas have as many bytes as its base. The oldest groups go when there is too much.
//
// Keep and Forget are for one goroutine at a time; Read for any.
type History struct {
	dir           string
	maxBytes      int64
	maxFiles      int
	minGroupBytes int64
}

// NewHistory keeps generations in dir, which it makes when there is one to keep.
func NewHistory(dir string) *History {
	return &History{dir, maxHistoryBytes, maxHistoryFiles, minGroupBytes}
}

// group is a folder of a History.
type group struct {
	number int
	dir    string
	base   string // id of its base; "" where a crash or a deletion left none
	size   int64  // bytes of the base
	deltas int64  // bytes of all deltas
	ids    []string
}

const (
	baseExt  = ".fidx"
	deltaExt = ".delta"
)

// Keep has x on disk when it returns nil. A crash meanwhile leaves, beside what was there before, at worst a .part file or an
// empty group, which go with their group; one after it a generation that was perhaps never in use.
func (h *History) Keep(x *index.Index) error {
	groups, err := h.groups()
	if err != nil {
		return err
	}
	last := group{dir: h.groupDir(1), number: 1}
	if len(groups) > 0 {
		last = groups[len(groups)-1]
	}
	if slices.Contains(last.ids, x.ID()) {
		if _, err := last.read(x.ID()); err == nil {
			return nil
		} // else it, or its base, is damaged
	} else if delta := last.delta(x, h.minGroupBytes); delta != nil {
		return replace(filepath.Join(last.dir, x.ID()+deltaExt), bytes.NewReader(delta), unchecked)
	}
	if len(last.ids) > 0 {
		last.dir = h.groupDir(last.number + 1)
	}
	if err := makeSynced(last.dir); err != nil {
		return err
	}
	if err := Write(filepath.Join(last.dir, x.ID()+baseExt), x); err != nil {
		return err
	}
	return h.prune()
}

// delta is what to add to the group for x; nil where x is better kept whole, in another: there would be more deltas than base
// (and than minBytes), or the base is damaged.
func (g group) delta(x *index.Index, minBytes int64) []byte {
	if g.base == "" {
		return nil
	}
	base, err := readWhole(filepath.Join(g.dir, g.base+baseExt))
	if err != nil {
		return nil
	}
	delta, err := x.Delta(base)
	if err != nil || g.deltas+int64(len(delta)) > max(g.size, minBytes) {
		return nil
	}
	return delta
}

// prune removes the oldest groups while there is too much, but never the newest.
func (h *History) prune() error {
	groups, err := h.groups()
	if err != nil {
		return err
	}
	var size int64
	files := 0
	for _, g := range groups {
		size += g.size + g.deltas
		files += len(g.ids)
	}
	for ; len(groups) > 1 && (size > h.maxBytes || files > h.maxFiles); groups = groups[1:] {
		if err := os.RemoveAll(groups[0].dir); err != nil { // of which a crash leaves a part, which goes the next time
			return fmt.Errorf("remove the oldest generations of the index: %w", err)
		}
		size -= groups[0].size + groups[0].deltas
		files -= len(groups[0].ids)
	}
	return nil
}

// Forget has x alone on disk when it returns nil, and says how many others it removed. A crash meanwhile leaves some of them, and x.
func (h *History) Forget(x *index.Index) (removed int, err error) {
	groups, err := h.groups()
	if err != nil {
		return 0, err
	}
	next := 1
	if len(groups) > 0 {
		next = groups[len(groups)-1].number + 1
	}
	dir := h.groupDir(next)
	if err := makeSynced(dir); err != nil {
		return 0, err
	}
	if err := Write(filepath.Join(dir, x.ID()+baseExt), x); err != nil {
		return 0, err
	}
	gone := map[string]bool{}
	for _, g := range groups {
		if err := os.RemoveAll(g.dir); err != nil {
			return len(gone), fmt.Errorf("remove earlier generations of the index: %w", err)
		}
		for _, id := range g.ids {
			gone[id] = true
		}
	}
	delete(gone, x.ID())
	if err := syncFolder(h.dir); err != nil {
		return len(gone), fmt.Errorf("remove earlier generations of the index: %w", err)
	}
	return len(gone), nil
}

// minDigits is the least part of an id that names a generation.
const minDigits = 8

// CheckID refuses what names no generation: an id, or the first digits of one, at least minDigits.
func CheckID(id string) error {
	if len(id) < minDigits || len(id) > 2*sha256.Size || strings.Trim(id, "0123456789abcdef") != "" {
		return fmt.Errorf("%q names no generation: that does its id, %d hex digits in small letters (a decision's index_id), or the first of them, at least %d", id, 2*sha256.Size, minDigits)
	}
	return nil
}

// Read gives the generation whose id begins with the digits, at least minDigits.
func (h *History) Read(id string) (*index.Index, error) {
	if err := CheckID(id); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	groups, err := h.groups()
	if err != nil {
		return nil, err
	}
	slices.Reverse(groups)
	for _, g := range groups {
		at := slices.IndexFunc(g.ids, func(kept string) bool { return strings.HasPrefix(kept, id) })
		if at < 0 {
			continue
		}
		x, err := g.read(g.ids[at])
		if errors.Is(err, fs.ErrNotExist) {
			break // it went meanwhile, or its base did
		}
		return x, err
	}
	return nil, fmt.Errorf("%w: %s", ErrNotKept, id)
}

func (g group) read(id string) (*index.Index, error) {
	x, err := g.readUnchecked(id)
	if err != nil {
		return nil, err
	}
	if x.ID() != id {
		return nil, fmt.Errorf("%s: %w: generation %s is under the name of %s", g.dir, index.ErrCorrupt, x.ID(), id)
	}
	return x, nil
}

func (g group) readUnchecked(id string) (*index.Index, error) {
	if id == g.base {
		return Read(filepath.Join(g.dir, id+baseExt))
	}
	base, err := readWhole(filepath.Join(g.dir, g.base+baseExt))
	if err != nil {
		return nil, err
	}
	delta, err := readWhole(filepath.Join(g.dir, id+deltaExt))
	if err != nil {
		return nil, err
	}
	x, err := index.Patch(base, delta)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.dir, err)
	}
	return x, nil
}

// groups lists what is there, oldest first.
func (h *History) groups() ([]group, error) {
	entries, err := os.ReadDir(h.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the generations of the index: %w", err)
	}
	var out []group
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil || n < 1 || !e.IsDir() {
			continue // not of ours
		}
		g := group{number: n, dir: filepath.Join(h.dir, e.Name())}
		if err := g.list(); err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b group) int { return a.number - b.number })
	return out, nil
}

// list looks at what is in the group's folder; what goes meanwhile is left out.
func (g *group) list() error {
	entries, err := os.ReadDir(g.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list the generations of the index: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		ext := filepath.Ext(e.Name())
		id := strings.TrimSuffix(e.Name(), ext)
		switch ext {
		case baseExt:
			g.base, g.size = id, info.Size()
		case deltaExt:
			g.deltas += info.Size()
		default:
			continue
		}
		g.ids = append(g.ids, id)
	}
	return nil
}

func (h *History) groupDir(number int) string {
	return filepath.Join(h.dir, fmt.Sprintf("%08d", number))
}

// makeSynced makes a folder in one that may have to be made too, and has both on disk.
func makeSynced(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep the generations of the index: %w", err)
	}
	for _, parent := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if err := syncFolder(parent); err != nil {
			return fmt.Errorf("keep the generations of the index: %w", err)
		}
	}
	return nil
}

// syncFolder has what was made in a folder, or removed from it, outlive a power loss.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func unchecked() error { return nil }
