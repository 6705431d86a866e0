package settlement

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/internal/durable"
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

	noSync bool          // set by tests that kill no process: commits do not wait for the disk
	files  durable.Files // set by tests that cut the power; nil: the machine's
}

// Ledger is the durable record of one party, payer (gateway) or payee (operator), and the gatekeeper of
// its key: it signs only what it has checked and stored. What a method has returned survives the end of the process,
// and a power loss too (fsync) but for what says "written": RecordOrder, AcceptReceipt, AcceptPartial and
// AcceptSettlement. Those are on the disk within 5 ms, or when Vouched returns (docs/decisions/0013).
//
// Safe for concurrent use. One process per directory: a second open fails.
type Ledger struct {
	store  *durable.Store
	key    *ecdsa.PrivateKey
	signer common.Address // of key
	self   common.Address // whose ledger it is
	others SignerReader   // nil: no other keys
	domain Domain
	log    *slog.Logger

	commits  turns[*commitOp]
	syncs    turns[*syncResult]
	noSync   bool          // see LedgerOptions
	unsynced chan struct{} // capacity 1: something is only written
	closing  chan struct{}
	stopped  chan struct{} // closed when the syncLoop has returned

	failing sync.Once     // guards what follows
	failed  chan struct{} // closed when the disk has failed
	failure error         // valid then

	wake chan struct{} // capacity 1: receipts were accepted; read by Settler.Run

	sealing sync.Mutex // held by Seal, markSubmitted and markSettled from end to end: one batch, one step at a time

	once    sync.Once    // guards Close
	changes sync.RWMutex // guards closed; held for reading by each change until it is answered
	closed  bool

	mu      sync.Mutex // guards the fields below up to next; never held during I/O
	backlog Backlog
	lanes   map[common.Address]Backlog // by payee, only lanes with a backlog
	batches batches
	next    *nextSync // nil: nobody waits for one

	adverts, orders signatureCache
	vouchers        recoveries
	inclusions      int // of one commit; tests make it small

	// hook is set by tests to fail or to crash around a commit; nil otherwise.
	hook func(stage commitStage) error
}

// ledgerMeta ties a directory to its owner, so that a wrong key or chain is an error and not a mess.
type ledgerMeta struct {
	Format int            `json:"format"` // of the records; see ledgerFormat
	Owner  common.Address `json:"owner"`
	Domain Domain         `json:"domain"`
}

// ledgerFormat rises when records are kept in a way that the version before would misread.
const ledgerFormat = 1

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
	store, err := openStore(dir, durable.Options{Files: opts.files, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("open ledger in %s: %w", dir, err)
	}
	signer := crypto.PubkeyToAddress(opts.Key.PublicKey)
	l := &Ledger{
		store: store, key: opts.Key, signer: signer, self: cmp.Or(opts.Owner, signer), others: opts.Signers, domain: opts.Domain, log: log,
		noSync: opts.noSync, wake: make(chan struct{}, 1), unsynced: make(chan struct{}, 1), closing: make(chan struct{}), stopped: make(chan struct{}),
		failed:     make(chan struct{}),
		inclusions: 1000, // some 1.2 KB each
	}
	l.commits = turns[*commitOp]{work: l.commitGroup, most: maxGroupOps}
	l.syncs = turns[*syncResult]{work: l.syncGroup, most: math.MaxInt}
	go l.syncLoop()
	var here string
	if dir != "" && opts.files == nil {
		if here, err = placeOf(dir); err != nil {
			return nil, errors.Join(fmt.Errorf("open ledger in %s: %w", dir, err), l.Close())
		}
	}
	if err := l.load(here); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger in %s: %w", dir, err), l.Close())
	}
	return l, nil
}

// load checks whose ledger it is and whether it is a copy, counts the backlog and finds the batch in flight. here is where it is; empty
// when only in memory.
func (l *Ledger) load(here string) error {
	want := ledgerMeta{Format: ledgerFormat, Owner: l.self, Domain: l.domain}
	err := l.update(context.Background(), func(tx *stagedTx) error {
		var have ledgerMeta
		switch err := tx.get([]byte(keyMeta), &have); {
		case errors.Is(err, errNoRecord):
			return tx.put([]byte(keyMeta), want)
		case err != nil:
			return err
		case have.Format != ledgerFormat:
			return fmt.Errorf("the ledger is of another version (format %d, this program writes %d): start that version", have.Format, ledgerFormat)
		case have != want:
			return fmt.Errorf("%w: it belongs to %s on chain %d, contract %s; this is %s on chain %d, contract %s; use another directory",
				ErrWrongParty, have.Owner, have.Domain.ChainID, have.Domain.Contract, want.Owner, want.Domain.ChainID, want.Domain.Contract)
		}
		return nil
	})
	if err == nil && here != "" {
		err = l.update(context.Background(), func(tx *stagedTx) error { return l.noticeCopy(tx, here) })
	}
	if err != nil {
		return err
	}
	return errors.Join(l.recount(), l.loadBatches())
}

// Close waits for what is being written and closes the files. Calls after it return ErrClosed.
func (l *Ledger) Close() error {
	var err error
	l.once.Do(func() {
		l.changes.Lock()
		l.closed = true
		l.changes.Unlock() // before the store waits for its readers: they may be at a change, see Receipts
		close(l.closing)
		<-l.stopped
		if err = l.store.Close(); err != nil {
			err = fmt.Errorf("close ledger: %w", err)
		}
	})
	return err
}
