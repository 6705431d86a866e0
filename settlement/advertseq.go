package settlement

import (
	"context"
	"fmt"
	"time"
)

// keyAdvertSeq holds the sequence number that this operator gave out last.
const keyAdvertSeq = "advert-seq"

// NextAdvertSeq returns the number under which this operator may sign its next adverts: now in milliseconds, or
// one more than the last number where the clock went back. It is durable before it is returned, since two
// different adverts under one number cost stake (see AdvertEquivocation). A crash after it leaves a gap.
func (l *Ledger) NextAdvertSeq(ctx context.Context, now time.Time) (uint64, error) {
	var next uint64
	err := l.update(ctx, func(tx *stagedTx) error {
		var last uint64
		if err := orZero(tx.get([]byte(keyAdvertSeq), &last)); err != nil {
			return err
		}
		next = max(uint64(max(now.UnixMilli(), 0)), last+1)
		return tx.put([]byte(keyAdvertSeq), next)
	})
	if err != nil {
		return 0, fmt.Errorf("take the next advert number: %w", err)
	}
	return next, nil
}
