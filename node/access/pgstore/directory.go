package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"flotilla/node/access"
	"flotilla/node/postgres"
)

// Directory is the keys themselves: what the owner sees and changes. Find reads memory, which Refresh brings up to date.
type Directory struct {
	pool *pgxpool.Pool
	now  func() time.Time
	sets func() time.Time // what budgets and rates go by in tests; nil: the database's clock

	refreshing sync.Mutex // one at a time: who has read first must not be the last to say what the keys are

	mu         sync.RWMutex // guards all below; never held while the database is waited for
	generation int64        // of the keys in memory; -1: none were read
	bySum      map[access.Sum]access.Key
	byID       map[access.KeyID]access.Key
	config     map[access.Sum]access.Key // of the gateway's configuration, which are not stored
}

// OpenDirectory reads the keys. The pool stays the caller's.
func OpenDirectory(ctx context.Context, pool *pgxpool.Pool) (*Directory, error) {
	d := &Directory{pool: pool, now: time.Now, generation: -1, config: map[access.Sum]access.Key{}}
	return d, d.Refresh(ctx)
}

// Refresh reads the keys again when any has changed.
func (d *Directory) Refresh(ctx context.Context) error {
	d.refreshing.Lock()
	defer d.refreshing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	var now int64
	if err := d.pool.QueryRow(ctx, "SELECT keys FROM generation").Scan(&now); err != nil {
		return fmt.Errorf("look for changed API keys: %w", err)
	}
	d.mu.RLock()
	same := now == d.generation
	d.mu.RUnlock()
	if same {
		return nil
	}
	rows, err := d.pool.Query(ctx, "SELECT sum, key FROM keys")
	if err != nil {
		return fmt.Errorf("read API keys: %w", err)
	}
	bySum, byID := map[access.Sum]access.Key{}, map[access.KeyID]access.Key{}
	var sum []byte
	var k access.Key
	_, err = pgx.ForEachRow(rows, []any{&sum, &k}, func() error {
		if len(sum) != len(access.Sum{}) {
			return fmt.Errorf("key %s: damaged row", k.ID)
		}
		bySum[access.Sum(sum)], byID[k.ID] = k, k
		k = access.Key{} // the next row does not write into this one's lists
		return nil
	})
	if err != nil {
		return fmt.Errorf("read API keys: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation, d.bySum, d.byID = now, bySum, byID // a change since now was read is found the next time
	return nil
}

// Find implements access.Keys.
func (d *Directory) Find(secret string) (access.Key, error) {
	sum := access.SumOf(secret)
	d.mu.RLock()
	defer d.mu.RUnlock()
	k, ok := d.bySum[sum]
	if !ok {
		if k, ok = d.config[sum]; !ok {
			return access.Key{}, access.ErrUnknownKey
		}
	}
	return k, k.Usable(d.now())
}

func (d *Directory) key(id access.KeyID) (access.Key, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if k, ok := d.byID[id]; ok {
		return k, nil
	}
	for _, k := range d.config {
		if k.ID == id {
			return k, nil
		}
	}
	return access.Key{}, fmt.Errorf("%w: %s", access.ErrUnknownKey, id)
}

// SetConfig implements access.Keys.
func (d *Directory) SetConfig(secrets []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for sum, k := range d.config {
		if k.Revoked.IsZero() { // kept until the process ends: its requests under way are still to be charged
			k.Revoked = d.now()
			d.config[sum] = k
		}
	}
	for _, secret := range secrets {
		if secret != "" {
			sum := access.SumOf(secret)
			d.config[sum] = access.Key{ID: sum.ConfigID(), Terms: access.Terms{Name: "config"}, Config: true}
		}
	}
}

// Create implements access.Keys.
func (d *Directory) Create(ctx context.Context, t access.Terms) (string, access.Key, error) {
	t.Allow, t.Block = slices.Clone(t.Allow), slices.Clone(t.Block)
	if err := t.Validate(); err != nil {
		return "", access.Key{}, fmt.Errorf("%w: %w", access.ErrBadTerms, err)
	}
	secret := access.NewSecret()
	sum := access.SumOf(secret)
	k := access.Key{ID: sum.ID(), Terms: t, Created: d.now().UTC().Truncate(time.Second)}
	err := d.change(ctx, func(tx pgx.Tx) error {
		var keys int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM keys").Scan(&keys); err != nil {
			return err
		}
		if keys >= access.MaxKeys {
			return access.ErrFull
		}
		if _, err := tx.Exec(ctx, "INSERT INTO keys VALUES ($1, $2, $3)", sum[:], k.ID, k); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO accounts (key_id, budget, reset) VALUES ($1, $2, $3)", k.ID, int64(t.Budget), t.Reset)
		return err
	})
	if err != nil {
		return "", access.Key{}, away(fmt.Errorf("store API key: %w", err))
	}
	_ = d.Refresh(ctx) // the key is stored, and nobody else can tell its secret: if this fails, the next beat makes the key known here
	return secret, k, nil
}

// Revoke implements access.Keys. Other gateways hear of it within a second.
func (d *Directory) Revoke(ctx context.Context, id access.KeyID, forget bool) (k access.Key, _ error) {
	if k, err := d.key(id); err == nil && k.Config {
		return k, fmt.Errorf("%w: %s comes from the gateway's configuration: take it out there", access.ErrBadTerms, id)
	}
	err := d.change(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "SELECT key FROM keys WHERE id = $1 FOR UPDATE", id).Scan(&k)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("%w: %s", access.ErrUnknownKey, id)
		}
		if err != nil {
			return err
		}
		if k.Revoked.IsZero() {
			k.Revoked = d.now().UTC().Truncate(time.Second)
		}
		if !forget {
			_, err = tx.Exec(ctx, "UPDATE keys SET key = $2 WHERE id = $1", id, k)
			return err
		}
		if _, err = tx.Exec(ctx, "DELETE FROM keys WHERE id = $1", id); err == nil {
			_, err = tx.Exec(ctx, "DELETE FROM accounts WHERE key_id = $1", id)
		}
		return err
	})
	if err == nil {
		err = d.Refresh(ctx)
	}
	if err != nil {
		return access.Key{}, away(fmt.Errorf("revoke API key: %w", err))
	}
	return k, nil
}

// change runs do in a transaction that other gateways notice: a crash leaves all of it or nothing.
func (d *Directory) change(ctx context.Context, do func(pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE generation SET keys = keys + 1"); err != nil { // one change at a time
			return err
		}
		return do(tx)
	})
}

// List shows all keys, oldest first, with what all gateways have told of them.
func (d *Directory) List(ctx context.Context) ([]access.Status, error) {
	if err := d.Refresh(ctx); err != nil {
		return nil, away(err)
	}
	used, at, err := d.used(ctx, "")
	if err != nil {
		return nil, away(err)
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]access.Status, 0, len(d.byID)+len(d.config))
	for _, k := range d.byID {
		out = append(out, status(k, used, at))
	}
	for _, k := range d.config {
		out = append(out, status(k, used, at))
	}
	access.SortByAge(out)
	return out, nil
}

// Status implements access.Keys, with what all gateways have told of the key.
func (d *Directory) Status(ctx context.Context, id access.KeyID) (access.Status, error) {
	k, err := d.key(id)
	if err != nil {
		return access.Status{}, err
	}
	used, at, err := d.used(ctx, id)
	return status(k, used, at), away(err)
}

// away is err, as an access.UnavailableError where the database may do later what was asked.
func away(err error) error {
	for _, refusal := range []error{nil, access.ErrUnknownKey, access.ErrFull, access.ErrBadTerms} {
		if errors.Is(err, refusal) {
			return err
		}
	}
	if !postgres.Passes(err) {
		return err
	}
	return &access.UnavailableError{Err: err}
}

func status(k access.Key, used map[access.KeyID]access.Status, at time.Time) access.Status {
	st := used[k.ID]
	st.Key, st.ResetAt = k, k.Reset.End(at)
	st.Roll(k.Reset, at)
	return st
}

// at is the time for the database: NULL, its own, but in tests.
func (d *Directory) at() *time.Time {
	if d.sets == nil {
		return nil
	}
	t := d.sets()
	return &t
}

// used is what keys have used, the one named or all, and when it was so.
func (d *Directory) used(ctx context.Context, only access.KeyID) (used map[access.KeyID]access.Status, at time.Time, _ error) {
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	rows, err := d.pool.Query(ctx, `SELECT key_id, period_start, spent, total, receipts, day - date '1970-01-01',
		before_day, before_week, before_month, held, coalesce((SELECT sum(n) FROM in_flight f WHERE f.key_id = a.key_id), 0)::bigint, t.at
		FROM accounts a, (SELECT coalesce($1, now()) AS at) t WHERE $2 IN ('', key_id)`, d.at(), only)
	if err != nil {
		return nil, at, fmt.Errorf("read what API keys have spent: %w", err)
	}
	used = map[access.KeyID]access.Status{}
	var id access.KeyID
	var start *time.Time
	var beforeDay, beforeWeek, beforeMonth *access.MicroUSD
	var spent, total, receipts, day, held, inFlight int64
	_, err = pgx.ForEachRow(rows, []any{&id, &start, &spent, &total, &receipts, &day, &beforeDay, &beforeWeek, &beforeMonth, &held, &inFlight, &at}, func() error {
		u := access.Usage{
			Spent: access.MicroUSD(spent), Total: access.MicroUSD(total), Receipts: uint64(receipts),
			Day: day, BeforeDay: beforeDay, BeforeWeek: beforeWeek, BeforeMonth: beforeMonth,
		}
		if start != nil {
			u.PeriodStart = start.UTC()
		}
		used[id] = access.Status{Usage: u, Held: access.MicroUSD(held), InFlight: uint64(inFlight)}
		return nil
	})
	if err != nil {
		return nil, at, fmt.Errorf("read what API keys have spent: %w", err)
	}
	return used, at, nil
}
