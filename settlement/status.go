package settlement

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// SettleStatus is how far a payer's receipts are, for people and metrics.
type SettleStatus struct {
	Payer        common.Address `json:"payer"`
	Pending      Backlog        `json:"pending"` // the batch in flight included
	Lanes        []LaneWait     `json:"lanes"`   // with something pending, dearest first, at most MaxStatusLanes
	LaneCount    int            `json:"laneCount"`
	LaneCost     Amount         `json:"laneCost"` // gas of one lane when last asked; 0 also before that
	InFlight     *BatchStatus   `json:"inFlight"` // null when no batch is
	SettledEpoch uint64         `json:"settledEpoch"`
	SettledAt    time.Time      `json:"settledAt"` // zero before the first batch
	Evidence     int            `json:"evidence"`  // faults of operators that were not punished yet
	Error        string         `json:"error"`     // why settling does not go on; empty when it does
	ErrorSince   time.Time      `json:"errorSince"`
}

// LaneWait is what is pending on one lane and why.
type LaneWait struct {
	Payee    common.Address `json:"payee"`
	Receipts int            `json:"receipts"`
	Value    Amount         `json:"value"`
	Oldest   time.Time      `json:"oldest"`
	Why      string         `json:"why"`
}

// BatchStatus is the batch in flight.
type BatchStatus struct {
	Epoch    uint64      `json:"epoch"`
	State    string      `json:"state"` // "sealed", "submitted"
	Receipts uint32      `json:"receipts"`
	Lanes    int         `json:"lanes"`
	Tx       common.Hash `json:"tx"` // zero until submitted
	SealedAt time.Time   `json:"sealedAt"`
	Depth    uint64      `json:"depth"` // blocks on it, its own included; 0 while in none
	Wanted   uint64      `json:"wanted"`
	Sent     int         `json:"sent"` // how often a node has taken it since the process started
}

// MaxStatusLanes bounds the lanes in a SettleStatus.
const MaxStatusLanes = 100

// observed is what the settler has seen of the chain, for Status only.
type observed struct {
	laneCost Amount
	depth    uint64 // of the batch in flight
	sent     int    // submissions of the batch in flight that were taken
	err      string // of the last round
	errSince time.Time
}

func (s *Settler) observe(change func(*observed)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.seen)
}

// note remembers how a round ended, and logs it in few lines.
func (s *Settler) note(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.observe(func(o *observed) {
		if o.err == "" {
			o.errSince = time.Now().UTC()
		}
		o.err = text
	})
	s.waiting.Note(s.cfg.Logger, err, "settling waits", "settling goes on")
}

// Status returns what is stored of this payer's settling; see Settler.Status for what the chain adds.
func (l *Ledger) Status() (SettleStatus, error) {
	state := l.batchState()
	evidence, err := l.evidenceCount()
	if err != nil {
		return SettleStatus{}, fmt.Errorf("settling status: %w", err)
	}
	st := SettleStatus{
		Payer: l.self, Pending: l.Backlog(), Lanes: []LaneWait{}, SettledEpoch: state.settled, SettledAt: state.last, Evidence: evidence,
	}
	if b := state.open; b != nil {
		st.InFlight = &BatchStatus{
			Epoch: b.Batch.Epoch, State: b.State.String(), Receipts: b.Batch.ReceiptCount, Lanes: len(b.Batch.Lanes), Tx: b.Tx, SealedAt: b.SealedAt,
		}
	}
	for payee, lane := range l.laneBacklogs() {
		st.Lanes = append(st.Lanes, LaneWait{Payee: payee, Receipts: lane.Receipts, Value: lane.Value, Oldest: lane.Oldest})
	}
	slices.SortFunc(st.Lanes, func(a, b LaneWait) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), bytes.Compare(a.Payee[:], b.Payee[:]))
	})
	st.LaneCount = len(st.Lanes)
	st.Lanes = st.Lanes[:min(len(st.Lanes), MaxStatusLanes)]
	return st, nil
}

// Status returns how far this payer's receipts are. It asks the chain nothing, and costs one look at the ledger.
func (s *Settler) Status() (SettleStatus, error) {
	st, err := s.ledger.Status()
	if err != nil {
		return SettleStatus{}, err
	}
	s.mu.Lock()
	seen := s.seen
	s.mu.Unlock()
	st.LaneCost, st.Error = seen.laneCost, seen.err
	if seen.err != "" {
		st.ErrorSince = seen.errSince
	}
	if st.InFlight != nil {
		st.InFlight.Depth, st.InFlight.Wanted, st.InFlight.Sent = seen.depth, s.cfg.Confirmations, seen.sent
	}
	for i := range st.Lanes {
		st.Lanes[i].Why = s.why(st.Lanes[i], st.InFlight != nil, seen.laneCost, time.Now())
	}
	return st, nil
}

// why says what a lane's receipts wait for.
func (s *Settler) why(w LaneWait, inFlight bool, cost Amount, now time.Time) string {
	lane := Backlog{Receipts: w.Receipts, Value: w.Value, Oldest: w.Oldest}
	switch {
	case !s.cfg.worthSettling(lane, cost, now):
		return fmt.Sprintf("worth less than %v, %d times its gas; due at %s", s.cfg.leastGain(cost), s.cfg.MinGain,
			w.Oldest.Add(s.cfg.MaxWait).UTC().Format(time.RFC3339))
	case inFlight:
		return "in the batch in flight or the next one"
	default:
		return "due with the next batch"
	}
}
