// Package pgtest runs a PostgreSQL of its own for tests: a cluster in a temporary folder, on a Unix socket, without
// privileges.
package pgtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"flotilla/node/postgres"
)

// Required names the environment variable that, set to "required", makes a missing PostgreSQL a failure.
const Required = "FLOTILLA_POSTGRES"

const patience = 30 * time.Second

// Cluster is a running PostgreSQL.
type Cluster struct {
	t        testing.TB
	bin      string
	dir      string
	as       *syscall.SysProcAttr // who runs it: PostgreSQL refuses root
	settings []string
	serving  *exec.Cmd
	next     atomic.Int64 // database
}

// Start starts one until the test ends, with its settings ("fsync=on"; by default it does not wait for the disk). Without
// PostgreSQL's programs the test is skipped.
func Start(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	bin := programs()
	if bin == "" {
		if os.Getenv(Required) == "required" {
			t.Fatal("no PostgreSQL on this machine (apt-get install postgresql)")
		}
		t.Skip("no PostgreSQL on this machine (apt-get install postgresql; " + Required + "=required makes this a failure)")
	}
	dir, err := os.MkdirTemp("", "pg") // short: the path of a socket has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &Cluster{t: t, bin: bin, dir: dir, settings: append([]string{"listen_addresses=", "max_connections=100", "log_min_messages=fatal", "fsync=off"}, settings...)}
	if os.Getuid() == 0 {
		c.dropRoot()
	}
	c.do("initdb", "-D", c.data(), "-U", "flotilla", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	c.Up()
	t.Cleanup(c.Down)
	return c
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// programs is the folder of Debian's newest PostgreSQL, or of the one in the path.
func programs() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is right
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) > 0 {
		return filepath.Dir(found[0])
	}
	if in, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(in)
	}
	return ""
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return n
}

func (c *Cluster) dropRoot() {
	c.t.Helper()
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		c.t.Fatal(err)
	}
	uid, _ := strconv.Atoi(who.Uid)
	gid, _ := strconv.Atoi(who.Gid)
	if err := os.Chown(c.dir, uid, gid); err != nil {
		c.t.Fatal(err)
	}
	c.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.SysProcAttr, cmd.Dir = c.as, c.dir
	return cmd
}

func (c *Cluster) do(name string, args ...string) {
	c.t.Helper()
	if out, err := c.command(name, args...).CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Up starts the server, again after Down.
func (c *Cluster) Up() {
	c.t.Helper()
	args := []string{"-D", c.data(), "-k", c.dir}
	for _, s := range c.settings {
		args = append(args, "-c", s)
	}
	c.serving = c.command("postgres", args...)
	if err := c.serving.Start(); err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.url("postgres"))
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		if ctx.Err() != nil {
			c.t.Fatalf("PostgreSQL does not answer: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Down stops the server at once, as a crash does: it recovers from its log when it starts again.
func (c *Cluster) Down() {
	if c.serving != nil {
		_ = c.serving.Process.Signal(syscall.SIGQUIT)
		_ = c.serving.Wait() // its status is that of a crash
		c.serving = nil
	}
}

func (c *Cluster) url(database string) string {
	return fmt.Sprintf("postgres://flotilla@/%s?host=%s", database, url.QueryEscape(c.dir))
}

// Database makes an empty database and returns its URL.
func (c *Cluster) Database() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	name := fmt.Sprintf("test%d", c.next.Add(1))
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		c.t.Fatal(err)
	}
	return c.url(name)
}

// Session is one of the owner's with the database at url, until the test ends.
func Session(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Connect opens the database at url as a gateway does, until the test ends.
func Connect(t testing.TB, url string) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { postgres.Close(pool) })
	return pool
}
