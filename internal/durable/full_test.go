package durable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"flotilla/internal/durable"
)

// fullDir tells the test binary to be a server that writes there, on a disk that takes little.
const fullDir = "FLOTILLA_DURABLE_FULL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fullDir); dir != "" {
		writeUntilFull(dir)
	}
	os.Exit(m.Run())
}

// writeUntilFull numbers rows until the disk takes no more, each like a request of a server that outlives a panic, and tells which are kept.
func writeUntilFull(dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := durable.Open(dir, durable.Options{MemtableBytes: 1 << 20})
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10})
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(0)
	}
	row := make([]byte, 1000)
	for i := range 1000 {
		func() {
			defer func() {
				if p := recover(); p != nil {
					fmt.Println("goes on after:", p)
				}
			}()
			if err := s.Update(func(b *durable.Batch) error { return b.Set(fmt.Appendf(nil, "%04d", i), row, nil) }); err != nil {
				fmt.Println("goes on after:", err)
				return
			}
			fmt.Printf("kept %04d\n", i)
		}()
	}
	os.Exit(0)
}

// A disk that is full ends the process, also where a server outlives the panics of its requests: Pebble takes nothing after a failed write,
// and all that waits for it would wait for ever. A new start finds all that was kept.
func TestFullDiskEndsTheProcess(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), fullDir+"="+dir)
	var told, said strings.Builder
	cmd.Stdout, cmd.Stderr = &told, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strings.Contains(told.String(), "goes on") || !strings.Contains(said.String(), "make room") {
		t.Fatalf("it ended with %v, and said %.300q and %.300q", err, told.String()[max(0, told.Len()-300):], said.String())
	}
	s, err := durable.Open(dir, durable.Options{MemtableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	kept := strings.Count(told.String(), "kept ")
	for i := range kept {
		if err := s.Look(func(now durable.Reader) error {
			return durable.Get(now, fmt.Appendf(nil, "%04d", i), func([]byte) error { return nil })
		}); err != nil {
			t.Errorf("row %d of %d: %v", i, kept, err)
		}
	}
	if err := s.Close(); err != nil || kept == 0 {
		t.Error(kept, err)
	}
}
