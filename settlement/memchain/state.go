package memchain

import (
	"fmt"
	"maps"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

type laneKey struct{ payer, payee common.Address }

type anchorKey struct {
	payer common.Address
	epoch uint64
}

// account is an operator's or a payer's account in the stake contract.
type account struct {
	bonded, thawing settlement.Amount
	thawEnd         uint64
	claimable       settlement.Amount
	paid            settlement.Amount // in payout epoch paidEpoch
	paidEpoch       int64
}

// state is what the contracts store, and the height of the chain. It is copied before every transaction, so that
// transactions can be taken out again.
type state struct {
	origin   common.Hash // see settlement.Chain
	height   uint64      // number of the newest block
	lanes    map[laneKey]*settlement.Lane
	accounts map[common.Address]*account
	settled  map[common.Address]uint64 // last epoch per payer
	anchors  map[anchorKey]settlement.Anchor
	punished map[common.Hash]bool
	signers  map[common.Address]settlement.SignerBinding
}

func newState(origin byte) state {
	return state{
		origin:   common.Hash{origin},
		lanes:    make(map[laneKey]*settlement.Lane),
		accounts: make(map[common.Address]*account),
		settled:  make(map[common.Address]uint64),
		anchors:  make(map[anchorKey]settlement.Anchor),
		punished: make(map[common.Hash]bool),
		signers:  make(map[common.Address]settlement.SignerBinding),
	}
}

func (s *state) clone() state {
	return state{
		origin: s.origin, height: s.height, lanes: clonePointers(s.lanes), accounts: clonePointers(s.accounts),
		settled: maps.Clone(s.settled), anchors: maps.Clone(s.anchors), punished: maps.Clone(s.punished), signers: maps.Clone(s.signers),
	}
}

func clonePointers[K comparable, V any](m map[K]*V) map[K]*V {
	c := make(map[K]*V, len(m))
	for k, v := range m {
		copied := *v
		c[k] = &copied
	}
	return c
}

// lane returns the lane, made when needed.
func (s *state) lane(payer, payee common.Address) *settlement.Lane {
	key := laneKey{payer, payee}
	if s.lanes[key] == nil {
		s.lanes[key] = new(settlement.Lane)
	}
	return s.lanes[key]
}

// account returns the account, made when needed.
func (s *state) account(a common.Address) *account {
	if s.accounts[a] == nil {
		s.accounts[a] = new(account)
	}
	return s.accounts[a]
}

// settleBatch is the contract's function of that name, in block s.height.
func (s *state) settleBatch(cfg Config, b settlement.Batch, tx common.Hash) error {
	if next := s.settled[b.Payer] + 1; b.Epoch != next {
		return fmt.Errorf("%w: %d, want %d", ErrEpochMismatch, b.Epoch, next)
	}
	s.settled[b.Payer] = b.Epoch
	s.anchors[anchorKey{b.Payer, b.Epoch}] = settlement.Anchor{Root: b.ReceiptsRoot, Count: b.ReceiptCount, Tx: tx, Block: s.height}
	for _, l := range b.Lanes {
		s.pay(cfg, b.Payer, l.Payee, l.ValueAggregate)
	}
	return nil
}

// pay moves min(new in the total, escrow, room under the stake) from the lane to the payee's credit; what is
// clipped stays owed.
func (s *state) pay(cfg Config, payer, payee common.Address, total settlement.Amount) {
	lane, op := s.lane(payer, payee), s.account(payee)
	epoch := time.Now().Unix() / int64(cfg.EpochLength/time.Second)
	if op.paidEpoch != epoch {
		op.paid, op.paidEpoch = 0, epoch
	}
	paid := min(total.SubFloor(lane.Collected), lane.Balance, op.bonded.SubFloor(op.paid))
	lane.Balance -= paid
	lane.Collected += paid
	op.paid += paid
	op.claimable += paid
}

// slash is the stake contract's penalty for one fault: ten times the harm, the payer made whole first, a fifth for
// who brought the proof, at most half paid out.
func (s *state) slash(cfg Config, c settlement.Charge, bountyTo common.Address) error {
	if s.punished[c.ID] {
		return fmt.Errorf("%w: %s", ErrAlreadyPunished, c.ID)
	}
	op := s.account(c.Operator)
	penalty := min(max(10*c.Harm, cfg.MinPenalty), op.bonded+op.thawing)
	if penalty == 0 {
		return fmt.Errorf("%w: %s", ErrNothingToSlash, c.Operator)
	}
	s.punished[c.ID] = true
	fromBonded := min(penalty, op.bonded)
	op.bonded -= fromBonded
	op.thawing -= penalty - fromBonded
	toPayer := min(c.Harm, penalty/2)
	s.account(c.Payer).claimable += toPayer
	s.account(bountyTo).claimable += min(penalty/5, penalty/2-toPayer)
	return nil
}
