package pgtest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Bouncer starts a PgBouncer in front of the cluster until the test ends, with its settings ("pool_mode=session"), and returns what makes
// a database's URL one that leads through it. Without PgBouncer the test is skipped.
func Bouncer(t testing.TB, to *Cluster, settings ...string) func(database string) string {
	t.Helper()
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		if os.Getenv(Required) == "required" {
			t.Fatal("no PgBouncer on this machine (apt-get install pgbouncer)")
		}
		t.Skip("no PgBouncer on this machine (apt-get install pgbouncer)")
	}
	port := freePort(t)
	text := fmt.Sprintf("[databases]\n* = host=%s\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=%d\nunix_socket_dir=\nauth_type=trust\nauth_file=%s\n", to.dir, port, filepath.Join(to.dir, "users"))
	for _, s := range settings {
		text += s + "\n"
	}
	file := filepath.Join(to.dir, fmt.Sprintf("bouncer%d.ini", port))
	for name, text := range map[string]string{file: text, filepath.Join(to.dir, "users"): "\"flotilla\" \"\"\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	serving := exec.Command(bin, "-q", file)
	serving.SysProcAttr, serving.Dir = to.as, to.dir
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serving.Process.Signal(syscall.SIGQUIT) // at once
		_ = serving.Wait()
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("PgBouncer does not answer: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return func(database string) string { return overTCP(address, database) }
}

// overTCP is the URL of a cluster's database by another address.
func overTCP(address, database string) string {
	u, err := url.Parse(database)
	if err != nil {
		panic(err) // Cluster made it
	}
	return fmt.Sprintf("postgres://flotilla@%s%s?sslmode=disable", address, u.Path)
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
