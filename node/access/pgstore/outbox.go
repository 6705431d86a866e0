package pgstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"flotilla/node/access"
	"flotilla/node/badgerdb"
)

// maxOrders bounds the orders that the database has yet to hear the end of, about 20 MB of disk.
const maxOrders = 100_000

// state of an order.
type state string

const (
	stateOut     state = "out"     // it may lead to a receipt
	stateCharged state = "charged" // it has led to one
	stateVoid    state = "void"    // it has not, and cannot any more
)

// order is one that this gateway has sent, as the outbox keeps it.
type order struct {
	Key    access.KeyID    `json:"key"`
	Max    access.MicroUSD `json:"max_micro_usd"`
	Amount access.MicroUSD `json:"micro_usd,omitempty"`
	State  state           `json:"state"`
	Shared bool            `json:"shared,omitempty"` // the database may have a hold for it
	Config bool            `json:"config,omitempty"` // its key is one of the configuration
}

// outbox keeps this gateway's orders on its disk until the database knows how they ended. Like the store of one gateway it
// is flushed to the kernel, which survives kill -9, and not to the disk: after a power cut, a hold that only the database
// has is settled by the ledger.
type outbox struct {
	db *badger.DB

	mu     sync.Mutex // guards all below
	orders map[access.Receipt]order
}

const rowGateway = "gateway" // its id; 32 bytes long are the keys of orders

func openOutbox(dir string) (*outbox, error) {
	how, err := badgerdb.Options(dir, access.Memtable)
	if err != nil {
		return nil, fmt.Errorf("open outbox in %s: %w", dir, err)
	}
	db, err := badger.Open(how)
	if err != nil {
		return nil, fmt.Errorf("open outbox in %s: %w", dir, err)
	}
	o := &outbox{db: db, orders: map[access.Receipt]order{}}
	err = db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			var row order
			if len(it.Item().Key()) != len(access.Receipt{}) {
				continue
			}
			if err := it.Item().Value(func(raw []byte) error { return json.Unmarshal(raw, &row) }); err != nil {
				return err
			}
			o.orders[access.Receipt(it.Item().Key())] = row
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read outbox in %s: %w", dir, err), db.Close())
	}
	return o, nil
}

// gateway is the id that this data directory has had from its first start on.
func (o *outbox) gateway(fresh string) (id string, err error) {
	err = o.db.Update(func(txn *badger.Txn) error {
		item, err := txn.Get([]byte(rowGateway))
		if errors.Is(err, badger.ErrKeyNotFound) {
			id = fresh
			return txn.Set([]byte(rowGateway), []byte(id))
		}
		if err != nil {
			return err
		}
		return item.Value(func(raw []byte) error { id = string(raw); return nil })
	})
	if err != nil {
		return "", fmt.Errorf("read the gateway's id: %w", err)
	}
	return id, nil
}

var errFull = fmt.Errorf("%d orders wait to be settled", maxOrders)

// put keeps the order as it is now. Memory has it even if the disk fails.
func (o *outbox) put(r access.Receipt, row order) error {
	o.mu.Lock()
	if _, known := o.orders[r]; !known && len(o.orders) >= maxOrders {
		o.mu.Unlock()
		return errFull
	}
	o.orders[r] = row
	o.mu.Unlock()
	raw, err := json.Marshal(row)
	if err == nil {
		err = o.db.Update(func(txn *badger.Txn) error { return txn.Set(r[:], raw) })
	}
	if err != nil {
		return fmt.Errorf("keep order %s: %w", r, err)
	}
	return nil
}

// forget orders that the database knows the end of. A crash before it tells it again, which changes nothing.
func (o *outbox) forget(over ...access.Receipt) error {
	o.mu.Lock()
	for _, r := range over {
		delete(o.orders, r)
	}
	o.mu.Unlock()
	err := o.db.Update(func(txn *badger.Txn) error {
		for _, r := range over {
			if err := txn.Delete(r[:]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget %d settled orders: %w", len(over), err)
	}
	return nil
}

// ended are at most n orders that are over.
func (o *outbox) ended(n int) map[access.Receipt]order {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[access.Receipt]order{}
	for r, row := range o.orders {
		if len(out) == n {
			break
		}
		if row.State != stateOut {
			out[r] = row
		}
	}
	return out
}

// all is a copy.
func (o *outbox) all() map[access.Receipt]order {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make(map[access.Receipt]order, len(o.orders))
	for r, row := range o.orders {
		out[r] = row
	}
	return out
}
