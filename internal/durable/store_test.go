package durable_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"flotilla/internal/durable"
)

func open(t *testing.T, dir string, files durable.Files) *durable.Store {
	t.Helper()
	s, err := durable.Open(dir, options(files))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil { // a second close does no harm
			t.Error(err)
		}
	})
	return s
}

func options(files durable.Files) durable.Options {
	return durable.Options{MemtableBytes: 256 << 10, CacheBytes: 64 << 10, Name: "test", Files: files}
}

func key(i int) []byte { return fmt.Appendf(nil, "row/%06d", i) }

func put(i int) func(*durable.Batch) error {
	return func(b *durable.Batch) error { return b.Set(key(i), make([]byte, 1000), nil) }
}

// first is how many rows there are from the first on; a later one without them fails the test.
func first(t *testing.T, s *durable.Store) int {
	t.Helper()
	n := 0
	err := s.View(func(from durable.Reader) error {
		return durable.Scan(from, []byte("row/"), nil, func(row durable.Row) (bool, error) {
			if string(row.Key) != string(key(n)) {
				return false, fmt.Errorf("%s is there, %s is not", row.Key, key(n))
			}
			n++
			return true, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPowerLoss: what is synced is there, and of what was written since a first part, over several logs and tables.
func TestPowerLoss(t *testing.T) {
	for name, update := range map[string]func(*durable.Store, func(*durable.Batch) error) error{
		"Update": (*durable.Store).Update, "UpdateSoon": (*durable.Store).UpdateSoon,
	} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewCrashableMem()
			s := open(t, "rows", disk)
			const synced, all = 1700, 2000
			for i := range all {
				if err := update(s, put(i)); err != nil {
					t.Fatal(err)
				}
				if i == synced-1 {
					if err := s.Sync(); err != nil {
						t.Fatal(err)
					}
				}
			}
			after := open(t, "rows", disk.CrashClone(vfs.CrashCloneCfg{}))
			if n := first(t, after); n < synced || n == all {
				t.Errorf("%d rows are left of %d that were synced and %d that were not", n, synced, all-synced)
			}
		})
	}
}

// TestKilled: what the kernel has outlives the process without any sync.
func TestKilled(t *testing.T) {
	was := t.TempDir()
	s := open(t, was, nil)
	const n = 1000
	for i := range n {
		if err := s.Update(put(i)); err != nil {
			t.Fatal(err)
		}
	}
	killed := copyOf(t, was) // as a killed process leaves it
	if got := first(t, open(t, killed, nil)); got != n {
		t.Errorf("%d rows, want %d", got, n)
	}
}

// copyOf copies a directory as it is at one moment: again until nothing changed meanwhile, as tables are written behind a store's back.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	files := func() (all []string) {
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			info, infoErr := e.Info()
			if err = errors.Join(err, infoErr); infoErr == nil {
				all = append(all, fmt.Sprint(e.Name(), info.Size()))
			}
		}
		if err != nil {
			return nil // something went while we looked
		}
		return all
	}
	for {
		before, to := files(), t.TempDir()
		if err := os.CopyFS(to, os.DirFS(dir)); err == nil && before != nil && slices.Equal(before, files()) {
			return to
		}
	}
}

func TestReads(t *testing.T) {
	s := open(t, "", nil)
	for i := range 10 {
		if err := s.Update(put(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Update(func(b *durable.Batch) error { return b.Set([]byte("row0"), nil, nil) }); err != nil { // just behind the prefix
		t.Fatal(err)
	}
	err := s.View(func(from durable.Reader) error {
		var back, forth []string
		err := durable.ScanBack(from, []byte("row/"), func(r durable.Row) (bool, error) { back = append(back, string(r.Key)); return len(back) < 3, nil })
		if want := fmt.Sprintf("[%s %s %s]", key(9), key(8), key(7)); err != nil || fmt.Sprint(back) != want {
			t.Errorf("back: %v, %v, want %s", back, err, want)
		}
		err = durable.Scan(from, []byte("row/"), key(8), func(r durable.Row) (bool, error) { forth = append(forth, string(r.Key)); return true, nil })
		if want := fmt.Sprintf("[%s %s]", key(8), key(9)); err != nil || fmt.Sprint(forth) != want {
			t.Errorf("from the ninth on: %v, %v, want %s", forth, err, want)
		}
		for i, want := range map[int]bool{3: true, 10: false} {
			if has, err := durable.Has(from, key(i)); err != nil || has != want {
				t.Errorf("row %d: %v, %v", i, has, err)
			}
		}
		stop := errors.New("stop")
		if err := durable.Scan(from, []byte("row/"), nil, func(durable.Row) (bool, error) { return true, stop }); !errors.Is(err, stop) {
			t.Errorf("%v, want the caller's error", err)
		}
		return durable.Get(from, key(10), func([]byte) error { return nil })
	})
	if !errors.Is(err, durable.ErrNoRow) {
		t.Errorf("%v, want ErrNoRow", err)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	if _, err := durable.Open(dir, options(nil)); !errors.Is(err, durable.ErrInUse) {
		t.Errorf("opened twice: %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"Update": s.Update(put(1)), "UpdateSoon": s.UpdateSoon(put(1)), "Sync": s.Sync(), "View": s.View(func(durable.Reader) error { return nil }),
	} {
		if !errors.Is(err, durable.ErrClosed) {
			t.Errorf("%s of a closed store: %v, want ErrClosed", what, err)
		}
	}
}

// brokenDisk loses, once, what a log was to have on disk, and says so; then it works again. As Linux: the pages of a write that
// failed count as written from then on.
type brokenDisk struct {
	durable.Files
	fails atomic.Bool
}

func (d *brokenDisk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.Files.Create(name, category)
	return &brokenFile{File: f, disk: d, isLog: strings.HasSuffix(name, ".log")}, err
}

type brokenFile struct {
	vfs.File
	disk        *brokenDisk
	isLog, lost bool
}

func (f *brokenFile) SyncData() error {
	if f.isLog && f.disk.fails.Swap(false) {
		f.lost = true
		return syscall.EIO
	}
	if f.lost {
		return nil
	}
	return f.File.SyncData()
}

// TestFailedSync: after a sync that failed none says that all is on the disk, until the store is opened anew.
func TestFailedSync(t *testing.T) {
	memory := vfs.NewCrashableMem()
	disk := &brokenDisk{Files: memory}
	s := open(t, "rows", disk)
	for i := range 2 {
		if err := s.Update(put(i)); err != nil {
			t.Fatal(err)
		}
		disk.fails.Store(i == 0)
		err := s.Sync()
		left := first(t, open(t, "rows", memory.CrashClone(vfs.CrashCloneCfg{})))
		if err == nil && left != i+1 {
			t.Errorf("the sync after %d rows says that all is on the disk, and %d are", i+1, left)
		}
		if i == 0 && err == nil {
			t.Error("the disk's error is not told")
		}
	}
	if err := s.Close(); !errors.Is(err, syscall.EIO) {
		t.Errorf("closing says %v, want the disk's error", err)
	}
}

// TestScanOfAnyPrefix: half of a key may be an address or a hash, which end as they like.
func TestScanOfAnyPrefix(t *testing.T) {
	s := open(t, "", nil)
	keys := []string{"a/\xfe\xff", "a/\xff", "a/\xff\x00", "a/\xff\xff", "a/\xff\xff\xff", "a0", "b", "\xff", "\xff\xff\x01"}
	for _, k := range keys {
		if err := s.Update(func(b *durable.Batch) error { return b.Set([]byte(k), nil, nil) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, prefix := range append(keys, "a", "a/", "c", "\xff\xff") {
		var want, forth, back []string
		for _, k := range keys {
			if strings.HasPrefix(k, prefix) {
				want = append(want, k)
			}
		}
		err := s.View(func(from durable.Reader) error {
			return errors.Join(
				durable.Scan(from, []byte(prefix), nil, func(r durable.Row) (bool, error) { forth = append(forth, string(r.Key)); return true, nil }),
				durable.ScanBack(from, []byte(prefix), func(r durable.Row) (bool, error) { back = append(back, string(r.Key)); return true, nil }))
		})
		slices.Reverse(back)
		if err != nil || !slices.Equal(forth, want) || !slices.Equal(back, want) {
			t.Errorf("under %q: %q and back %q, want %q: %v", prefix, forth, back, want, err)
		}
	}
}
