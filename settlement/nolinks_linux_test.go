package settlement_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"flotilla/settlement"
)

// forbidLinks has the kernel refuse to make links, as it does on a file system that has none, to this goroutine until it ends.
func forbidLinks(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	var rules uint64 = unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0)
	if errno != 0 {
		t.Skipf("this kernel does not restrict a thread: %v", errno)
	}
	defer func() { _ = unix.Close(int(fd)) }()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
}

// TestFileSystemWithoutLinks: there a ledger is no copy either when it is opened again, and one of it is.
func TestFileSystemWithoutLinks(t *testing.T) {
	forbidLinks(t)
	f := newFixture(t, 1)
	dir := filepath.Join(t.TempDir(), "ledger")
	l := f.open(t, f.operators[0], dir)
	f.number(t, l)
	for _, tc := range []struct {
		copied bool
		want   error
	}{{false, nil}, {false, nil}, {true, settlement.ErrUnknownAdvert}} {
		closeLedger(t, l)
		if tc.copied {
			copied := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			dir = copied
		}
		l = f.open(t, f.operators[0], dir)
		o := f.opening(t, 0)
		b := o.Bundle(testDomain, receipt(t, o, 0), nil)
		b.GatewaySig = f.gateway.sign(t, b.Receipt.Digest(testDomain))
		_, err := l.CountersignPartial(t.Context(), b)
		wantErr(t, err, tc.want)
	}
}
