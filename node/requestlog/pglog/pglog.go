// Package pglog keeps the request log in PostgreSQL, for several gateways behind one balancer.
package pglog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"flotilla/node/postgres"
	"flotilla/node/requestlog"
)

const (
	// retryFor is how long a batch waits for the database; more records queue meanwhile, as far as the queue goes.
	retryFor   = 2 * time.Minute
	retryEvery = time.Second
	// writeLock is held by who writes until others see it, so that the numbers of rows are in the order in which they can be seen:
	// what is followed by them misses none. The number is arbitrary.
	writeLock = 0x666c6f746c6f67
	// tidyBatch bounds what one statement deletes, which others wait for.
	tidyBatch = 5000
)

// Store is a requestlog.Store.
type Store struct {
	pool    *pgxpool.Pool
	opts    requestlog.Options
	gateway string // tells what this process writes from what others do
}

var _ requestlog.Shared = (*Store)(nil)

// Open starts the log. The pool stays the caller's.
func Open(pool *pgxpool.Pool, opts requestlog.Options) *requestlog.Log {
	return requestlog.New(New(pool, opts), opts)
}

// New is the store alone.
func New(pool *pgxpool.Pool, opts requestlog.Options) *Store {
	return &Store{pool: pool, opts: opts.WithDefaults(), gateway: rand.Text()}
}

// Close implements requestlog.Store.
func (s *Store) Close() error { return nil }

// Write implements requestlog.Store, in one statement: a crash leaves all of the batch or nothing, and writing it again
// changes nothing.
func (s *Store) Write(ctx context.Context, batch []requestlog.Record) error {
	raw, err := json.Marshal(batch)
	if err != nil {
		return fmt.Errorf("encode records: %w", err)
	}
	for end := time.Now().Add(retryFor); ; {
		err := s.insert(ctx, raw, batch)
		if err == nil || !postgres.Passes(err) || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryEvery):
		}
	}
}

func (s *Store) insert(ctx context.Context, raw []byte, batch []requestlog.Record) error {
	at := make([]int64, len(batch))
	for i, r := range batch {
		at[i] = r.At.UnixNano()
	}
	err := postgres.Patiently(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(writeLock)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO requests (gateway, at_ns, id, receipt, key, model, operator, status, record)
		SELECT $3, at, r->>'id', coalesce(r->>'receipt_id', ''), coalesce(r->>'key', ''), coalesce(r->>'model', ''), coalesce(r->>'operator', ''), (r->>'status')::int, r
		  FROM ROWS FROM (unnest($1::bigint[]), jsonb_array_elements($2::jsonb)) AS t(at, r)
		ON CONFLICT DO NOTHING`, at, noNUL.Replace(string(raw)), s.gateway)
		return err
	})
	if err != nil {
		return fmt.Errorf("insert %d records: %w", len(batch), err)
	}
	return nil
}

// noNUL writes a NUL in JSON, which a client may put into a model's name and the database refuses, as a replacement character. An
// escaped backslash is taken first, so that none of another text is met.
var noNUL = strings.NewReplacer(`\\`, `\\`, `\u0000`, `\ufffd`)

// storable is a text as the database has it: what it refuses is replaced.
func storable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\ufffd"), "\ufffd")
}

// Find implements requestlog.Store.
func (s *Store) Find(ctx context.Context, id string) (r requestlog.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	err = s.pool.QueryRow(ctx, `(SELECT record FROM requests WHERE id = $1 ORDER BY at_ns DESC LIMIT 1) UNION ALL
		(SELECT record FROM requests WHERE receipt = $1 AND receipt <> '' LIMIT 1) LIMIT 1`, storable(id)).Scan(&r)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, requestlog.ErrNotFound
	}
	if err != nil {
		return r, unread(err)
	}
	return r, nil
}

// unread says that the log could not be read, and whether it may be read later.
func unread(err error) error {
	if postgres.Passes(err) {
		err = fmt.Errorf("%w: %w", requestlog.ErrUnavailable, err)
	}
	return fmt.Errorf("read request log: %w", err)
}

// List implements requestlog.Store. A page is whole, however rare what is looked for.
func (s *Store) List(ctx context.Context, f requestlog.Filter) (requestlog.Page, error) {
	where := conditions{}
	if f.Key != "" {
		where.add("key = ?", f.Key)
	}
	if f.Model != "" {
		where.add("model = ?", f.Model)
	}
	if f.Operator != "" {
		where.add("starts_with(lower(operator), lower(?))", f.Operator)
	}
	if f.Status != "" {
		where.addStatus(f.Status)
	}
	if !f.Since.IsZero() {
		where.add("at_ns >= ?", f.Since.UnixNano())
	}
	if !f.Until.IsZero() {
		where.add("at_ns < ?", f.Until.UnixNano())
	}
	if f.Before != 0 {
		where.add("(seq IS NULL OR seq < ?)", int64(f.Before))
		where.add("gateway <> ?", s.gateway)
	}
	if after := f.After(); !after.At.IsZero() {
		where.add("at_ns <= ?", after.At.UnixNano())
		where.add("(at_ns < ? OR id COLLATE \"C\" > ?)", after.At.UnixNano(), after.ID)
	}
	page := requestlog.Page{Requests: []requestlog.Record{}}
	err := postgres.Patiently(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT record FROM requests"+where.sql()+" ORDER BY at_ns DESC, id COLLATE \"C\" LIMIT "+strconv.Itoa(f.Limit+1), where.args...)
		if err == nil {
			page.Requests, err = pgx.AppendRows(page.Requests, rows, pgx.RowTo[requestlog.Record])
		}
		return err
	})
	if err != nil {
		return requestlog.Page{}, unread(err)
	}
	if len(page.Requests) > f.Limit {
		page.Requests = page.Requests[:f.Limit]
		page.Next = page.Requests[f.Limit-1].Cursor()
	}
	return page, nil
}

// Mark implements requestlog.Shared.
func (s *Store) Mark(ctx context.Context) (m requestlog.Mark, err error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	if err := s.pool.QueryRow(ctx, "SELECT coalesce(max(seq), 0) + 1 FROM requests").Scan(&m); err != nil {
		return 0, fmt.Errorf("find the end of the request log: %w", err)
	}
	return m, nil
}

// Others implements requestlog.Shared.
func (s *Store) Others(ctx context.Context, from requestlog.Mark) ([]requestlog.Record, requestlog.Mark, error) {
	end, err := s.Mark(ctx)
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	const sql = "SELECT record, seq FROM requests WHERE seq >= $1 AND seq < $2 AND gateway <> $3 ORDER BY seq LIMIT $4"
	rows, err := s.pool.Query(ctx, sql, int64(from), int64(end), s.gateway, requestlog.MaxPage)
	var last requestlog.Mark
	var records []requestlog.Record
	if err == nil {
		records, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r requestlog.Record, err error) {
			return r, row.Scan(&r, &last)
		})
	}
	if err != nil {
		return nil, 0, fmt.Errorf("follow the request log: %w", err)
	}
	if len(records) == requestlog.MaxPage {
		end = last + 1
	}
	return records, end, nil
}

// conditions of a query, with ? for each argument.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	for _, a := range args {
		if text, ok := a.(string); ok {
			a = storable(text)
		}
		c.args = append(c.args, a)
		term = strings.Replace(term, "?", "$"+strconv.Itoa(len(c.args)), 1)
	}
	c.terms = append(c.terms, term)
}

const (
	leastFailure  = 400
	largestStatus = 999
)

// addStatus spells out what the index of those that failed is of: a plan that is made before the arguments are known finds it too.
func (c *conditions) addStatus(s requestlog.Status) {
	low, high := leastFailure, largestStatus
	if strings.HasSuffix(string(s), "xx") {
		low = 100 * int(s[0]-'0')
		high = low + 99
	} else if s != "error" {
		low, _ = strconv.Atoi(string(s)) // the Log has checked it
		high = low
	}
	c.add("status BETWEEN ? AND ?", low, high)
	if low >= leastFailure {
		c.add("status >= 400")
	}
}

func (c *conditions) sql() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// Tidy implements requestlog.Store: the oldest go first. Several gateways may do it at once, each by its own bounds.
func (s *Store) Tidy(ctx context.Context) error {
	var tooMany int64 // when the newest came of those that are too many
	err := postgres.Patiently(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "SELECT at_ns FROM requests ORDER BY at_ns DESC OFFSET $1 LIMIT 1", s.opts.MaxRecords).Scan(&tooMany)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("count records: %w", err)
	}
	return errors.Join(err, s.deleteBefore(ctx, tooMany+1))
}

// deleteBefore deletes, some at a time, the records from before a moment and those that are too old by the database's clock: that of
// one gateway, wrong, would cost the others their records.
func (s *Store) deleteBefore(ctx context.Context, ns int64) error {
	for gone := int64(tidyBatch); gone == tidyBatch; {
		err := postgres.Patiently(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, `DELETE FROM requests WHERE (at_ns, id) IN (SELECT at_ns, id FROM requests
				WHERE at_ns < greatest($1, (extract(epoch FROM now()) * 1e9)::bigint - $2) ORDER BY at_ns LIMIT $3)`, ns, s.opts.MaxAge.Nanoseconds(), tidyBatch)
			gone = tag.RowsAffected()
			return err
		})
		if err != nil {
			return fmt.Errorf("delete old records: %w", err)
		}
	}
	return nil
}
