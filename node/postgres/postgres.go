// Package postgres opens the database that several gateways share: a bounded pool, and the schema at the version that this
// binary knows.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// maxConns of one gateway. Each statement takes well under a millisecond; more would only queue in the database.
	maxConns = 16
	// Timeout is the deadline of a statement that a request waits for. The server is told the same, so that nothing is
	// done there long after it was given up here.
	Timeout = 2 * time.Second
	// lockTimeout is for how long it waits for another's lock. The server says so itself, which it does not where it does not answer.
	lockTimeout = Timeout / 2
	// patience is how long a statement may take that no request waits for: some go through all of a table.
	patience       = 10 * time.Second
	connectTimeout = 2 * time.Second
	// idleTimeout ends the transaction of a gateway that has stopped in the middle of it, with all that it has locked.
	idleTimeout = 10 * time.Second
	// migrateTimeout is enough to index some tens of millions of rows: a gateway that gave up before would never start.
	migrateTimeout = 10 * time.Minute
	// migrationLock keeps two gateways that start together from migrating at once. The number is arbitrary.
	migrationLock = 0x666c6f74696c6c61
	schema        = "flotilla"

	// SQLSTATEs
	noRights   = "42501"
	lockNotHad = "55P03" // within lockTimeout
)

// ErrReadOnly: the server answers, and changes nothing.
var ErrReadOnly = errors.New("the server takes no writes, as a replica does: name the one that takes them, or all of them with target_session_attrs=read-write")

// ErrBusy: requests of this gateway have all of its connections, which says nothing of the server.
var ErrBusy = errors.New("all connections to the database are in use")

// ErrNewerSchema: a newer flotilla has migrated the database.
var ErrNewerSchema = errors.New("the database has a newer schema")

//go:embed migrations/*.sql
var migrations embed.FS

// Pool is a bounded set of connections to the database.
type Pool = pgxpool.Pool

// Flush, as the next transaction of a session, waits until the disk has what the session committed without waiting. It
// locks nothing, so that nobody waits for the disk behind a locked account. Had the server crashed before it, the session
// would be gone and Flush fail.
const Flush = "SELECT pg_logical_emit_message(true, 'flotilla', '')"

// Open connects to the database at url and brings its schema up to date. Errors never hold the password.
func Open(ctx context.Context, url string, log *slog.Logger) (*pgxpool.Pool, error) {
	cfg, err := config(url)
	if err != nil {
		return nil, err
	}
	if err := knowPooler(ctx, cfg); err != nil {
		return nil, fmt.Errorf("open the store on %s: %w", cfg.ConnConfig.Host, err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	if err := migrate(ctx, pool, log); err != nil {
		Close(pool)
		if user := cfg.ConnConfig.User; Code(err) == noRights {
			err = fmt.Errorf("%w; the user must own the schema: as the owner of the database, CREATE SCHEMA %s AUTHORIZATION %s, or name the user who owns it", err, schema, user)
		}
		return nil, fmt.Errorf("open the store on %s: %w", cfg.ConnConfig.Host, err)
	}
	return pool, nil
}

// CheckURL says what is wrong with the URL of a database, without asking for it.
func CheckURL(url string) error {
	_, err := config(url)
	return err
}

func config(url string) (*pgxpool.Config, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("store: want postgres://user@host/database?sslmode=verify-full")
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("store: the URL cannot be read; want postgres://user@host/database?sslmode=verify-full") // err may quote it
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = maxConns
	}
	cfg.ConnConfig.ConnectTimeout = connectTimeout
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // another, which URLs name for poolers, does not know what a jsonb or an array is
	params := cfg.ConnConfig.RuntimeParams
	params["search_path"] = schema
	params["application_name"] = "flotilla"
	params["statement_timeout"] = milliseconds(Timeout)
	params["lock_timeout"] = milliseconds(lockTimeout)
	params["idle_in_transaction_session_timeout"] = milliseconds(idleTimeout)
	params["default_transaction_isolation"] = "read committed" // what the functions' locks are made for
	return cfg, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// migrate runs the migrations that the database does not have, in one transaction: a crash leaves all of them or none.
func migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	files, err := migrations.ReadDir("migrations") // sorted: 0001_….sql, 0002_….sql
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// Until the transaction ends; whoever waited finds nothing left to do.
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
			return fmt.Errorf("wait for other gateways that migrate: %w", err)
		}
		if err := makeSchema(ctx, tx); err != nil {
			return fmt.Errorf("make the schema: %w", err)
		}
		var have int
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM version").Scan(&have); err != nil {
			return fmt.Errorf("read the schema's version: %w", err)
		}
		if have > len(files) {
			return fmt.Errorf("%w: version %d, this flotilla knows %d: run the newer one", ErrNewerSchema, have, len(files))
		}
		for i, f := range files[have:] {
			sql, err := migrations.ReadFile("migrations/" + f.Name())
			if err != nil {
				return fmt.Errorf("read migration: %w", err)
			}
			log.Info("migrating the store's schema, which takes minutes where the request log has tens of millions of rows", "by", f.Name())
			if _, err := tx.Exec(ctx, string(sql)); err != nil {
				return fmt.Errorf("migrate by %s: %w", f.Name(), err)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO version VALUES ($1)", have+i+1); err != nil {
				return fmt.Errorf("note the schema's version: %w", err)
			}
			log.Info("the store's schema was migrated", "by", f.Name())
		}
		return nil
	})
}

// makeSchema makes what is missing: a user needs no rights to make what is there.
func makeSchema(ctx context.Context, tx pgx.Tx) error {
	var readOnly, noSchema, noTable bool
	err := tx.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::bool, to_regnamespace('"+schema+"') IS NULL, to_regclass('"+schema+".version') IS NULL").
		Scan(&readOnly, &noSchema, &noTable)
	if err == nil && readOnly {
		err = ErrReadOnly
	}
	if err == nil && noSchema {
		_, err = tx.Exec(ctx, "CREATE SCHEMA "+schema)
	}
	if err == nil && noTable {
		_, err = tx.Exec(ctx, "CREATE TABLE version (version int NOT NULL)")
	}
	return err
}

// Close closes the pool. It does not wait for long for a server to say good-bye, which one that does not answer never does.
func Close(pool *Pool) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(Timeout):
	}
}

// Busy says whether all connections are in use: then waiting for one says nothing of the server.
func Busy(pool *Pool) bool {
	now := pool.Stat()
	return now.AcquiredConns() >= now.MaxConns()
}

// Session runs do on a connection, within Timeout. Where others have all connections, half of it is for waiting for one, so that a
// statement has a fair time too; ErrBusy when that is over. Making one may take as long as it does: with TLS and a password some six round trips.
func Session(ctx context.Context, pool *Pool, do func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	wait, busy := ctx, Busy(pool)
	if busy {
		var stop context.CancelFunc
		wait, stop = context.WithTimeout(ctx, Timeout/2)
		defer stop()
	}
	session, err := pool.Acquire(wait)
	if err != nil {
		if wait.Err() != nil && (busy || Busy(pool)) { // one that changes hands is in use by nobody for a moment
			return fmt.Errorf("%w (%d; pool_max_conns in --store)", ErrBusy, pool.Stat().MaxConns())
		}
		return err
	}
	defer session.Release()
	return do(ctx, session)
}

// Patiently runs do in a transaction whose statements may take longer than one that a request waits for.
func Patiently(ctx context.Context, pool *pgxpool.Pool, do func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = "+milliseconds(patience)); err != nil {
			return err
		}
		return do(ctx, tx)
	})
}

// Code is the SQLSTATE of an error that the server sent, "" of any other.
func Code(err error) string {
	var told *pgconn.PgError
	if errors.As(err, &told) {
		return told.Code
	}
	return ""
}

// Passes says of an error of the database whether it may do later what it has not done now.
func Passes(err error) bool {
	code := Code(err)
	if code == "" { // it does not answer, or not what can be read
		return !errors.As(err, new(pgx.ScanArgError))
	}
	switch code[:2] {
	case "08", "25", "40", "53", "57": // a pooler cannot reach it, it is read only, others were in the way, it has no connection or disk left, it stops
		return true
	}
	return code == lockNotHad
}
