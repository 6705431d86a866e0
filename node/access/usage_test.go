package access_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"flotilla/internal/durable"
	"flotilla/node/access"
	"flotilla/node/access/accesstest"
)

// Rows of before days were counted are read.
func TestRowsWithoutDays(t *testing.T) {
	dir := t.TempDir()
	place := func(o accesstest.Options) (access.Keys, error) {
		return access.Open(dir, access.Options{Config: o.Config, Now: o.Now})
	}
	accesstest.RowsWithoutDays(t, place, time.Date(2026, 9, 8, 12, 0, 0, 0, time.UTC), func() {
		rows, err := durable.Open(dir, durable.Options{Name: "API keys"})
		if err != nil {
			t.Fatal(err)
		}
		aged := map[string][]byte{}
		err = rows.View(func(from durable.Reader) error {
			return durable.Scan(from, []byte("use/"), nil, func(row durable.Row) (bool, error) {
				var u access.Usage
				err := json.Unmarshal(row.Value, &u)
				aged[string(row.Key)] = fmt.Appendf(nil, `{"period_start":%q,"spent_micro_usd":%d,"total_micro_usd":%d,"receipts":%d}`,
					u.PeriodStart.Format(time.RFC3339), u.Spent, u.Total, u.Receipts)
				return true, err
			})
		})
		if err == nil && len(aged) != 3 {
			t.Errorf("%d rows", len(aged))
		}
		if err == nil {
			err = rows.Update(func(b *durable.Batch) error {
				for key, row := range aged {
					if err := b.Set([]byte(key), row, nil); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
