package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrSharedSessions: what stands between the gateway and the server gives a connection no session of its own.
var ErrSharedSessions = errors.New("between here and the database something shares out sessions by transaction, as PgBouncer does with pool_mode=transaction; " +
	"settings, locks and prepared statements of this gateway would meet those of others: set pool_mode=session there for this database, or name the server itself")

const (
	protocolViolation = "08P01" // SQLSTATE: among others, of a pooler that is asked for a setting
	lookAtSessions    = 5       // times; others may use the pooler meanwhile
)

// knowPooler finds out what stands between here and the server. A pooler refuses the settings that a connection begins with, or leaves them
// out: they are made there once a connection stands, for one more round trip.
func knowPooler(ctx context.Context, cfg *pgxpool.Config) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	first, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
	if Code(err) == protocolViolation && strings.Contains(err.Error(), "startup parameter") {
		setOnceConnected(cfg)
		first, err = pgx.ConnectConfig(ctx, cfg.ConnConfig)
	}
	if err != nil {
		return err
	}
	defer func() { _ = first.Close(ctx) }()
	session, err := sessionOf(ctx, first)
	if err != nil || session == first.PgConn().PID() { // the server itself has made the connection
		return err
	}
	if cfg.AfterConnect == nil {
		setOnceConnected(cfg)
	}
	second, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = second.Close(ctx) }()
	other, err := sessionOf(ctx, second)
	if err == nil && other == session {
		err = ErrSharedSessions
	}
	for range lookAtSessions {
		// Twice each: two sessions that a pooler gives in turns would come out as each its own.
		for _, c := range [...]struct {
			conn *pgx.Conn
			own  uint32
		}{{first, session}, {first, session}, {second, other}, {second, other}} {
			var now uint32
			if err == nil {
				now, err = sessionOf(ctx, c.conn)
			}
			if err == nil && now != c.own {
				err = ErrSharedSessions
			}
		}
	}
	return err
}

// sessionOf is the server's process behind a connection, which needs no session of its own for this.
func sessionOf(ctx context.Context, conn *pgx.Conn) (pid uint32, err error) {
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
		return 0, fmt.Errorf("ask for the session's number: %w", err)
	}
	return pid, nil
}

// setOnceConnected has new connections make their settings by a statement. What the URL has as options is no setting but the server's
// command line, and may be for what stands in between.
func setOnceConnected(cfg *pgxpool.Config) {
	var names, values []string
	for name, value := range cfg.ConnConfig.RuntimeParams {
		if name != "options" {
			names, values = append(names, name), append(values, value)
			delete(cfg.ConnConfig.RuntimeParams, name)
		}
	}
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS t(name, value)", pgx.QueryExecModeExec, names, values)
		if err != nil {
			return fmt.Errorf("make a session's settings: %w", err)
		}
		return nil
	}
}
