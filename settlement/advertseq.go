package settlement

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/durable"
)

const (
	// keyAdvertSeq holds the sequence number that this operator gave out last.
	keyAdvertSeq = "advert-seq"
	// advertsKept is how many milliseconds' numbers are remembered one by one; see numbered. A gateway that brings a partial
	// receipt later than that has it paid all the same.
	advertsKept = 30 * 24 * 3600 * 1000
)

// NextAdvertSeq returns the number under which this operator may sign its next adverts: now in milliseconds, or
// one more than the last number where the clock went back. It is durable before it is returned, since two
// different adverts under one number cost stake (see AdvertEquivocation). A crash after it leaves a gap.
// It also remembers each number, and the node that it was for, until it is advertsKept old.
func (l *Ledger) NextAdvertSeq(ctx context.Context, node common.Hash, now time.Time) (uint64, error) {
	var next uint64
	err := l.update(ctx, func(tx *stagedTx) error {
		var last uint64
		if err := orZero(tx.get([]byte(keyAdvertSeq), &last)); err != nil {
			return err
		}
		next = max(uint64(max(now.UnixMilli(), 0)), last+1)
		tx.putRow(advertKey(next), node[:])
		oldest := advertKey(next - min(next, advertsKept))
		err := durable.Scan(tx.batch, []byte(prefixAdvert), nil, func(e entry) (bool, error) {
			old := bytes.Compare(e.Key, oldest) < 0
			if old {
				tx.del(bytes.Clone(e.Key))
			}
			return old, nil
		})
		return errors.Join(err, tx.put([]byte(keyAdvertSeq), next))
	})
	if err != nil {
		return 0, fmt.Errorf("take the next advert number: %w", err)
	}
	return next, nil
}

// numbered: this ledger has given the advert its number. Under another advert of its operator there may be receipts that this
// ledger does not know of, since it was lost, or is an old copy, or since another node of the operator has a ledger of its own.
// A node numbers its adverts anew when it starts, so this holds for a copy of a node that was stopped; a copy of one that served has
// numbers under which more was signed, and forgets them (see noticeCopy).
// Two nodes of one operator may take one number, which is a time: so it counts with the node that it was taken for.
func numbered(tx *stagedTx, a Advert) error {
	node, err := readRow(tx.batch, advertKey(a.Seq))
	switch {
	case errors.Is(err, errNoRecord):
		return fmt.Errorf("%w: number %d", ErrUnknownAdvert, a.Seq)
	case err == nil && !bytes.Equal(node, a.Node[:]):
		return fmt.Errorf("%w: number %d is another node's", ErrUnknownAdvert, a.Seq)
	}
	return err
}

func advertKey(seq uint64) []byte { return epochKey(prefixAdvert, seq) }
