package main

import (
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A gateway takes SIGHUP for a reload already while it reads its configuration; any other command is ended by it, as programs are.
func TestHangupBeforeTheStart(t *testing.T) {
	own := make(chan os.Signal, 1)
	signal.Notify(own, syscall.SIGHUP) // or the commands inherit that it is ignored, where it is
	defer signal.Stop(own)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody answers there: a command that asks is not over before its signal comes
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, c := range []struct {
		args  []string
		ended bool
	}{
		{[]string{"gateway", "--key", "none", "--data-dir", "none", "--rpc", "http://127.0.0.1:1", "--contract", "0x243c951D43009F1fe349b2550146B1236eDb5e39"}, false},
		{[]string{"route", "hello", "--api-key", "k", "--gateway", "http://" + silent.Addr().String()}, true},
	} {
		config := filepath.Join(t.TempDir(), "config")
		if err := syscall.Mkfifo(config, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd, out := exec.CommandContext(t.Context(), os.Args[0], append(c.args, "--config", config)...), &tail{}
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.TempDir(), append(os.Environ(), asFlotilla+"=1"), out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		file, err := openFIFO(config)
		if err != nil {
			_ = cmd.Process.Kill()
			t.Fatalf("%v: the configuration is not read: %v", c.args, err)
		}
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Error(err)
		}
		_ = file.Close() // an empty file
		err = cmd.Wait()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() != c.ended || !c.ended && !strings.Contains(out.String(), "none: no such file") {
			t.Errorf("%s: %v: %s", c.args[0], err, out)
		}
	}
}

// openFIFO opens for writing once somebody reads.
func openFIFO(name string) (file *os.File, err error) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if file, err = os.OpenFile(name, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			return file, nil
		}
	}
	return nil, err
}
