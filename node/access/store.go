package access

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"flotilla/internal/durable"
)

const (
	// MaxKeys bounds memory: about 2 KiB a key that has rate limits.
	MaxKeys   = 10_000
	syncEvery = time.Second
	// MemtableBytes and CacheBytes are of the API keys and of the outbox: rows are few and short.
	MemtableBytes = 512 << 10
	CacheBytes    = 256 << 10
)

// Rows of the store. Values are JSON.
const (
	prefixKey  = "key/" // + SHA-256 of the secret → Key
	prefixUse  = "use/" // + key id → Usage
	prefixHold = "hld/" // + receipt id → holdRow: an order may be out that has not been charged to its key
)

// Options of a Store.
type Options struct {
	// Config are the keys of the gateway's configuration. Empty ones are left out.
	Config []string
	// Charged says what a receipt charged, for holds that a crash has left; false: there is no such receipt. nil leaves
	// such holds as they are, for a process that only looks at the keys.
	Charged func(Receipt) (MicroUSD, bool, error)
	Logger  *slog.Logger     // default: none
	Now     func() time.Time // default: time.Now
}

// Store is one gateway's API keys, on disk and in memory. One process at a time has it open.
type Store struct {
	rows *durable.Store
	log  *slog.Logger
	now  func() time.Time

	mu    sync.Mutex // guards all below and the accounts' fields; never held while the disk is waited for
	bySum map[Sum]*account
	byID  map[KeyID]*account
	dirty bool // rows were written since the last flush
}

var _ Keys = (*Store)(nil)

// account is a key with what it uses.
type account struct {
	sum              Sum
	key              Key
	usage            Usage
	held             MicroUSD // by requests under way
	inFlight         uint64
	requests, tokens *window // nil: no limit

	writing sync.Mutex // orders the writes of usage; taken before Store.mu
}

func newAccount(s Sum, k Key) *account {
	return &account{sum: s, key: k, requests: newWindow(k.RequestsPerMinute), tokens: newWindow(k.TokensPerMinute)}
}

// Open opens the keys in dir, creating the store when there is none.
func Open(dir string, opts Options) (*Store, error) {
	s := &Store{log: opts.Logger, now: opts.Now, bySum: map[Sum]*account{}, byID: map[KeyID]*account{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	var err error
	s.rows, err = durable.Open(dir, durable.Options{MemtableBytes: MemtableBytes, CacheBytes: CacheBytes, Name: "API keys", Logger: s.log})
	if errors.Is(err, durable.ErrInUse) {
		err = fmt.Errorf("another process, perhaps the running gateway: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("open API keys in %s: %w", dir, err)
	}
	err = s.load()
	if err == nil {
		s.setConfig(opts.Config)
		err = s.reconcile(opts.Charged)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open API keys in %s: %w", dir, err), s.rows.Close())
	}
	return s, nil
}

// load reads the keys and what they have spent.
func (s *Store) load() error {
	return s.rows.View(func(from durable.Reader) error {
		err := each(from, prefixKey, func(rest []byte, k Key) error {
			var at Sum
			if copy(at[:], rest) != sha256.Size {
				return fmt.Errorf("key %s: damaged row", k.ID)
			}
			s.put(newAccount(at, k))
			return nil
		})
		if err != nil {
			return err
		}
		for _, a := range s.byID {
			if err := s.readUsage(from, a); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) readUsage(from durable.Reader, a *account) error {
	err := durable.Get(from, []byte(prefixUse+string(a.key.ID)), func(raw []byte) error { return json.Unmarshal(raw, &a.usage) })
	if err != nil && !errors.Is(err, durable.ErrNoRow) {
		return fmt.Errorf("read usage of %s: %w", a.key.ID, err)
	}
	a.usage.countFrom(s.now())
	return nil
}

func (s *Store) put(a *account) { s.bySum[a.sum], s.byID[a.key.ID] = a, a }

// Ready implements Keys: what is in memory is always there.
func (s *Store) Ready() error { return nil }

// SetConfig implements Keys.
func (s *Store) SetConfig(secrets []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setConfig(secrets)
}

func (s *Store) setConfig(secrets []string) {
	wanted := map[Sum]bool{}
	for _, secret := range secrets {
		if secret != "" {
			wanted[SumOf(secret)] = true
		}
	}
	for at, a := range s.bySum {
		switch {
		case !a.key.Config:
		case wanted[at]:
			a.key.Revoked = time.Time{}
		case a.key.Revoked.IsZero(): // kept until the process ends: its requests under way are still to be charged
			a.key.Revoked = s.now()
		}
	}
	for at := range wanted {
		if s.bySum[at] != nil {
			continue
		}
		a := newAccount(at, Key{ID: at.ConfigID(), Terms: Terms{Name: "config"}, Config: true})
		if err := s.rows.View(func(from durable.Reader) error { return s.readUsage(from, a) }); err != nil {
			s.log.Warn("what a key has spent is not known; it starts at zero", "key_id", a.key.ID, "err", err)
		}
		s.put(a)
	}
}

// Close implements Keys.
func (s *Store) Close() error {
	if err := s.rows.Close(); err != nil {
		return fmt.Errorf("close API keys: %w", err)
	}
	return nil
}

// Run flushes what was written, every second, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	flush := time.NewTicker(syncEvery)
	defer flush.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-flush.C:
			s.mu.Lock()
			dirty := s.dirty
			s.dirty = false
			s.mu.Unlock()
			if !dirty {
				continue
			}
			if err := s.rows.Sync(); err != nil {
				s.log.Error("flush API keys to disk", "err", err)
			}
		}
	}
}

// Create implements Keys.
func (s *Store) Create(_ context.Context, t Terms) (secret string, _ Key, _ error) {
	t.Allow, t.Block = slices.Clone(t.Allow), slices.Clone(t.Block)
	if err := t.Validate(); err != nil {
		return "", Key{}, fmt.Errorf("%w: %w", ErrBadTerms, err)
	}
	s.mu.Lock()
	if len(s.byID) >= MaxKeys {
		s.mu.Unlock()
		return "", Key{}, ErrFull
	}
	secret = NewSecret()
	a := newAccount(SumOf(secret), Key{})
	for s.byID[a.sum.ID()] != nil { // one in 2^50 at most
		secret = NewSecret()
		a.sum = SumOf(secret)
	}
	a.key = Key{ID: a.sum.ID(), Terms: t, Created: s.now().UTC().Truncate(time.Second)}
	a.requests, a.tokens = newWindow(t.RequestsPerMinute), newWindow(t.TokensPerMinute)
	s.mu.Unlock()
	if err := s.writeKey(a.sum, a.key); err != nil {
		return "", Key{}, err
	}
	s.mu.Lock()
	s.put(a)
	s.mu.Unlock()
	return secret, a.key, nil
}

// writeKey is durable when it returns.
func (s *Store) writeKey(at Sum, k Key) error {
	err := s.rows.Update(func(b *durable.Batch) error { return set(b, prefixKey+string(at[:]), k) })
	if err == nil {
		err = s.rows.Sync()
	}
	if err != nil {
		return fmt.Errorf("store API key: %w", err)
	}
	return nil
}

// Revoke implements Keys.
func (s *Store) Revoke(_ context.Context, id KeyID, forget bool) (Key, error) {
	s.mu.Lock()
	a := s.byID[id]
	if a == nil {
		s.mu.Unlock()
		return Key{}, fmt.Errorf("%w: %s", ErrUnknownKey, id)
	}
	if a.key.Config {
		s.mu.Unlock()
		return Key{}, fmt.Errorf("%w: %s comes from the gateway's configuration: take it out there", ErrBadTerms, id)
	}
	k := a.key
	if k.Revoked.IsZero() {
		k.Revoked = s.now().UTC().Truncate(time.Second)
	}
	a.key = k // refused before it is durable: the order that does no harm
	if forget {
		delete(s.bySum, a.sum)
		delete(s.byID, id)
	}
	s.mu.Unlock()
	if !forget {
		return k, s.writeKey(a.sum, k)
	}
	a.writing.Lock() // what is being charged to it is written before it goes
	defer a.writing.Unlock()
	err := s.rows.Update(func(b *durable.Batch) error {
		return errors.Join(remove(b, prefixKey+string(a.sum[:])), remove(b, prefixUse+string(id)))
	})
	if err == nil {
		err = s.rows.Sync()
	}
	if err != nil {
		return k, fmt.Errorf("forget API key: %w", err)
	}
	return k, nil
}

// Find implements Keys. The time taken tells nothing of use about other secrets, since only hashes are compared.
func (s *Store) Find(secret string) (Key, error) {
	at := SumOf(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.bySum[at]
	if a == nil {
		return Key{}, ErrUnknownKey
	}
	return a.key, a.key.Usable(s.now())
}

// List implements Keys.
func (s *Store) List(context.Context) ([]Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	out := make([]Status, 0, len(s.byID))
	for _, a := range s.byID {
		out = append(out, a.status(now))
	}
	SortByAge(out)
	return out, nil
}

// Status implements Keys.
func (s *Store) Status(_ context.Context, id KeyID) (Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byID[id]
	if a == nil {
		return Status{}, fmt.Errorf("%w: %s", ErrUnknownKey, id)
	}
	return a.status(s.now()), nil
}

// status as of now. The caller holds Store.mu.
func (a *account) status(now time.Time) Status {
	a.usage.Roll(a.key.Reset, now)
	return Status{Key: a.key, Usage: a.usage, Held: a.held, ResetAt: a.key.Reset.End(now), InFlight: a.inFlight}
}

// SortByAge puts the oldest key first.
func SortByAge(keys []Status) {
	slices.SortFunc(keys, func(x, y Status) int {
		return cmp.Or(x.Created.Compare(y.Created), strings.Compare(string(x.ID), string(y.ID)))
	})
}

func set(b *durable.Batch, key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode row: %w", err)
	}
	return b.Set([]byte(key), raw, nil)
}

func remove(b *durable.Batch, key string) error { return b.Delete([]byte(key), nil) }

// each decodes all rows under prefix.
func each[T any](from durable.Reader, prefix string, do func(rest []byte, v T) error) error {
	return durable.Scan(from, []byte(prefix), nil, func(row durable.Row) (bool, error) {
		var v T
		if err := json.Unmarshal(row.Value, &v); err != nil {
			return false, fmt.Errorf("read row %q: %w", row.Key, err)
		}
		return true, do(row.Key[len(prefix):], v)
	})
}
