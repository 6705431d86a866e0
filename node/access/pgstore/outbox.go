package pgstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"

	"flotilla/internal/durable"
	"flotilla/node/access"
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
	rows *durable.Store

	mu     sync.Mutex // guards all below
	orders map[access.Receipt]order
}

// Rows of the outbox.
const (
	rowGateway  = "gateway" // its id
	prefixOrder = "ord/"    // + receipt id → order
)

func orderKey(r access.Receipt) []byte { return append([]byte(prefixOrder), r[:]...) }

func openOutbox(dir string, log *slog.Logger) (*outbox, error) {
	rows, err := durable.Open(dir, durable.Options{MemtableBytes: access.MemtableBytes, CacheBytes: access.CacheBytes, Name: "outbox", Logger: log})
	if err != nil {
		return nil, fmt.Errorf("open outbox in %s: %w", dir, err)
	}
	o := &outbox{rows: rows, orders: map[access.Receipt]order{}}
	err = rows.View(func(from durable.Reader) error {
		return durable.Scan(from, []byte(prefixOrder), nil, func(row durable.Row) (bool, error) {
			var v order
			r := row.Key[len(prefixOrder):]
			if len(r) != len(access.Receipt{}) {
				return false, fmt.Errorf("damaged row %x", row.Key)
			}
			if err := json.Unmarshal(row.Value, &v); err != nil {
				return false, err
			}
			o.orders[access.Receipt(r)] = v
			return true, nil
		})
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read outbox in %s: %w", dir, err), rows.Close())
	}
	return o, nil
}

// gateway is the id that this data directory has had from its first start on.
func (o *outbox) gateway(fresh string) (id string, err error) {
	err = o.rows.View(func(from durable.Reader) error {
		return durable.Get(from, []byte(rowGateway), func(raw []byte) error { id = string(raw); return nil })
	})
	if errors.Is(err, durable.ErrNoRow) {
		id = fresh
		err = o.rows.Update(func(b *durable.Batch) error { return b.Set([]byte(rowGateway), []byte(id), nil) })
	}
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
		err = o.rows.Update(func(b *durable.Batch) error { return b.Set(orderKey(r), raw, nil) })
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
	err := o.rows.UpdateSoon(func(b *durable.Batch) error {
		for _, r := range over {
			if err := b.Delete(orderKey(r), nil); err != nil {
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

// keepsAny of the orders still.
func (o *outbox) keepsAny(orders map[access.Receipt]order) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for r := range orders {
		if _, known := o.orders[r]; known {
			return true
		}
	}
	return false
}

// all is a copy.
func (o *outbox) all() map[access.Receipt]order {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.orders)
}
