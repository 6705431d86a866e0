package settlement

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// LedgerOptions say whose ledger it is. Key and Domain are required.
type LedgerOptions struct {
	Key    *ecdsa.PrivateKey // signs receipts and vouchers
	Domain Domain            // the deployment that all messages are for
	Logger *slog.Logger      // slog.DiscardHandler when nil

	// Owner is whom the ledger belongs to; the address of Key when zero. A payer may let Key sign for it (see
	// SignerAuthorization), a payee signs itself.
	Owner common.Address
	// Signers tells whose word other keys than a payer's own are; nil: nobody's.
	Signers SignerReader

	noSync bool // set by tests that kill no process: commits do not wait for the disk
}

// Ledger is the durable record of one party, payer (gateway) or payee (operator), and the gatekeeper of
// its key: it signs only what it has checked and stored. What a method has returned survives the end of the process,
// and a power loss too (fsync) but for what says "written": RecordOrder, AcceptReceipt, AcceptPartial and
// AcceptSettlement. Those are on the disk within 5 ms, or when Synced returns (docs/decisions/0013).
//
// Safe for concurrent use. One process per directory: a second open fails.
type Ledger struct {
	db     *badger.DB
	dir    string // of db; empty: in memory
	key    *ecdsa.PrivateKey
	signer common.Address // of key
	self   common.Address // whose ledger it is
	others SignerReader   // nil: no other keys
	domain Domain
	log    *slog.Logger

	commits turns[*commitOp]
	syncs   turns[*syncResult]
	noSync  bool // see LedgerOptions
	// newestLog numbers the log that Badger writes, as far as the syncs have followed it. Used by one sync at a time.
	newestLog int
	unsynced  chan struct{} // capacity 1: something is only written
	closing   chan struct{}
	stopped   chan struct{} // closed when the syncLoop has returned

	once sync.Once // guards Close

	wake chan struct{} // capacity 1: receipts were accepted; read by Settler.Run

	sealing sync.Mutex // held by Seal, MarkSubmitted and MarkSettled from end to end: one batch, one step at a time

	mu           sync.Mutex // guards the fields below up to users; never held during I/O
	backlog      Backlog
	lanes        map[common.Address]Backlog // by payee, only lanes with a backlog
	batches      batches
	closed       bool
	partialsFrom ReceiptID      // where the next UnsignedPartials starts
	waiting      []chan error   // for the next sync; each of capacity 1
	users        sync.WaitGroup // reads and changes under way; Add only under mu and while not closed

	adverts, orders signatureCache
	limits          commitLimits

	// hook is set by tests to fail or to crash around a commit; nil otherwise.
	hook func(stage commitStage) error
}

// ledgerMeta ties a directory to its owner, so that a wrong key or chain is an error and not a mess.
type ledgerMeta struct {
	Owner  common.Address `json:"owner"`
	Domain Domain         `json:"domain"`
}

// OpenLedger opens the ledger in dir, creating it when there is none; an empty dir keeps it in memory
// (for tests). A directory that was made for another key or domain is refused.
func OpenLedger(dir string, opts LedgerOptions) (*Ledger, error) {
	if opts.Key == nil || opts.Domain == (Domain{}) {
		return nil, errors.New("open ledger: a key and a domain are required")
	}
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	memtable, err := memtableFor(dir)
	if err != nil {
		return nil, fmt.Errorf("open ledger in %s: %w", dir, err)
	}
	db, err := badger.Open(badgerOptions(dir, memtable, log))
	if err != nil {
		return nil, fmt.Errorf("open ledger in %s: %w", dir, err)
	}
	signer := crypto.PubkeyToAddress(opts.Key.PublicKey)
	l := &Ledger{
		db: db, dir: dir, key: opts.Key, signer: signer, self: cmp.Or(opts.Owner, signer), others: opts.Signers, domain: opts.Domain, log: log,
		noSync: opts.noSync, wake: make(chan struct{}, 1), unsynced: make(chan struct{}, 1), closing: make(chan struct{}), stopped: make(chan struct{}),
		limits: commitLimits{part: 800, inclusions: 96},
	}
	l.commits = turns[*commitOp]{work: l.commitGroup, most: maxGroupOps}
	l.syncs = turns[*syncResult]{work: l.syncGroup, most: math.MaxInt}
	go l.syncLoop()
	if err := errors.Join(l.findNewestLog(), l.load()); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger in %s: %w", dir, err), l.Close())
	}
	return l, nil
}

// memtableSize: a transaction may take 15 % of it, 153 KiB, see maxGroupBytes.
const memtableSize = 1 << 20

// memtableFor is memtableSize, or as large as what an earlier version has left: the log of a memtable, a file of twice its
// size, is read back into a memtable when the process was killed, and Badger ends the process when it does not fit.
func memtableFor(dir string) (int64, error) {
	size := int64(memtableSize)
	logs, err := findLogs(dir)
	for _, name := range logs {
		info, err := os.Stat(name)
		if err != nil {
			return 0, fmt.Errorf("look at the ledger's logs: %w", err)
		}
		size = max(size, info.Size()/2)
	}
	return size, err
}

// badgerOptions keeps memory small and flat: an operator may run on a home machine. Eight tables at a time are built in
// memory, in buffers of twice the table size that are kept for ever, so no table, of whatever level, is larger than a
// memtable (docs/decisions/0014).
func badgerOptions(dir string, memtable int64, log *slog.Logger) badger.Options {
	opts := badger.DefaultOptions(dir).
		WithInMemory(dir == "").
		WithSyncWrites(false).      // syncNow does
		WithDetectConflicts(false). // one caller at a time commits
		WithMemTableSize(memtable).
		WithValueThreshold(144 << 10). // larger rows go to the value log and do not count there; hardly any is as large
		WithBaseTableSize(memtableSize).
		WithBlockSize(16 << 10). // holds some receipts: a block that one does not fit in takes up twice its memory
		WithNumMemtables(2).
		WithBlockCacheSize(8 << 20).
		WithIndexCacheSize(8 << 20).
		WithValueLogFileSize(64 << 20).
		WithCompression(options.None). // encodeRecord compresses; here it would double the memory of tables being built
		WithNumCompactors(2).
		WithLogger(badgerLog{log})
	opts.TableSizeMultiplier = 1
	return opts
}

// load checks whose ledger it is, counts the backlog and finds the batch in flight.
func (l *Ledger) load() error {
	want := ledgerMeta{Owner: l.self, Domain: l.domain}
	err := l.update(context.Background(), func(tx *stagedTx) error {
		var have ledgerMeta
		switch err := tx.get([]byte(keyMeta), &have); {
		case errors.Is(err, badger.ErrKeyNotFound):
			return tx.put([]byte(keyMeta), want)
		case err != nil:
			return err
		case have != want:
			return fmt.Errorf("%w: it belongs to %s on chain %d, contract %s; this is %s on chain %d, contract %s; use another directory",
				ErrWrongParty, have.Owner, have.Domain.ChainID, have.Domain.Contract, want.Owner, want.Domain.ChainID, want.Domain.Contract)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(l.recount(), l.loadBatches(context.Background()))
}

// Owner returns whose ledger it is.
func (l *Ledger) Owner() common.Address { return l.self }

// Domain returns the domain that all messages of the ledger are signed under.
func (l *Ledger) Domain() Domain { return l.domain }

// Close waits for what is being written and closes the files. Calls after it return ErrClosed.
func (l *Ledger) Close() error {
	var err error
	l.once.Do(func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
		l.users.Wait()
		close(l.closing)
		<-l.stopped
		if err = l.db.Close(); err != nil {
			err = fmt.Errorf("close ledger: %w", err)
		}
	})
	return err
}

// RunGC reclaims the disk space of replaced records every hour until ctx ends.
func (l *Ledger) RunGC(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.closing:
			return nil
		case <-tick.C:
			if err := l.db.RunValueLogGC(0.5); err != nil && !errors.Is(err, badger.ErrNoRewrite) {
				l.log.Warn("reclaim ledger space", "error", err)
			}
		}
	}
}
