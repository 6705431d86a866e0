package settlement_test

import (
	"testing"
	"time"

	"flotilla/settlement"
)

// An operator never signs two adverts under one number, whatever its clock does and however often it restarts.
func TestAdvertNumbersRiseOverClockAndRestart(t *testing.T) {
	dir := t.TempDir()
	operator := newParty(t, 1)
	start := time.UnixMilli(1_700_000_000_000)
	var last uint64
	for _, offset := range []time.Duration{0, 0, -time.Hour, time.Second, time.Millisecond} {
		l := openLedger(t, dir, settlement.LedgerOptions{Key: operator.key})
		for range 2 {
			seq, err := l.NextAdvertSeq(t.Context(), start.Add(offset))
			if err != nil {
				t.Fatal(err)
			}
			if seq <= last || seq < uint64(start.Add(offset).UnixMilli()) {
				t.Fatalf("number %d after %d at %s", seq, last, offset)
			}
			last = seq
		}
		closeLedger(t, l)
	}
}
