package settlement

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// OwedLane is what one payer owes this payee, for people and metrics.
type OwedLane struct {
	Payer       common.Address `json:"payer"`
	Receipts    uint64         `json:"receipts"`    // signed on the lane
	Served      Amount         `json:"served"`      // all receipts signed on the lane
	Vouchered   Amount         `json:"vouchered"`   // the newest voucher held
	Unvouchered Amount         `json:"unvouchered"` // what would be lost if the payer vanished now
}

// OwedLanes returns the lanes of this payee, in order of payer. Metrics ask for them all the time, so it reads no receipts.
func (l *Ledger) OwedLanes() ([]OwedLane, error) {
	out := []OwedLane{}
	err := l.scan([]byte(prefixIn), func(e entry) (bool, error) {
		var lane inLane
		if err := readEntry(e, &lane); err != nil {
			return false, err
		}
		out = append(out, OwedLane{
			Payer: common.BytesToAddress(e.Key[len(prefixIn):]), Receipts: lane.Receipts, Served: lane.Served,
			Vouchered: lane.Voucher.ValueAggregate, Unvouchered: lane.unvouchered(),
		})
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list owed lanes: %w", err)
	}
	return out, nil
}
