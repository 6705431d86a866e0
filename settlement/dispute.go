package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Dispute is what became of one fault that was brought to the chain.
type Dispute struct {
	ID       common.Hash    `json:"id"`
	Fault    Fault          `json:"fault"`
	Operator common.Address `json:"operator"`
	Payer    common.Address `json:"payer"` // who is repaid; zero when nobody was harmed
	Harm     Amount         `json:"harm"`
	Slashed  Amount         `json:"slashed"` // by how much the operator's stake went down; 0 when it was punished before
	Tx       common.Hash    `json:"tx"`      // zero when somebody else's transaction punished it
}

const (
	disputePoll = 200 * time.Millisecond
	// disputeTimeout is how long one transaction may take: ten slots of Ethereum mainnet.
	disputeTimeout = 2 * time.Minute
)

// BringEvidence sends e to the stake contract and waits until it is punished. Whoever sends it, the harmed payer is
// repaid first; bountyTo gets the reporter's part. Evidence that was punished before is not sent. An operator without
// stake cannot be punished: the contract's error says so.
func BringEvidence(ctx context.Context, chain Chain, d Domain, e Evidence, bountyTo common.Address) (Dispute, error) {
	charge, err := e.Check(d)
	if err != nil {
		return Dispute{}, err
	}
	out := Dispute{ID: charge.ID, Fault: e.Fault, Operator: charge.Operator, Payer: charge.Payer, Harm: charge.Harm}
	ctx, cancel := context.WithTimeout(ctx, disputeTimeout)
	defer cancel()
	wrap := func(err error) error {
		return fmt.Errorf("bring %s of %s to the chain: %w", e.Fault, charge.Operator, err)
	}
	switch done, err := chain.Punished(ctx, charge.ID); {
	case err != nil:
		return out, wrap(err)
	case done:
		return out, nil
	}
	before, err := chain.Stake(ctx, charge.Operator)
	if err != nil {
		return out, wrap(err)
	}
	// A crash after this leaves the evidence sent and not marked: the next call finds it punished.
	if out.Tx, err = chain.SubmitEvidence(ctx, e, bountyTo); err != nil {
		return out, wrap(err)
	}
	if err := waitPunished(ctx, chain, charge.ID, out.Tx); err != nil {
		return out, wrap(err)
	}
	after, err := chain.Stake(ctx, charge.Operator)
	if err != nil {
		return out, wrap(err)
	}
	out.Slashed = before.Amount.SubFloor(after.Amount)
	return out, nil
}

func waitPunished(ctx context.Context, chain Chain, id, tx common.Hash) error {
	for {
		done, err := chain.Punished(ctx, id)
		if err != nil || done {
			return err
		}
		if state, err := chain.TxStatus(ctx, tx); err != nil || state == TxReverted {
			return errors.Join(err, errIf(state == TxReverted, fmt.Errorf("transaction %s reverted", tx)))
		}
		if !sleep(ctx, disputePoll, nil) {
			return fmt.Errorf("wait for transaction %s: %w", tx, context.Cause(ctx))
		}
	}
}

// DisputeAll brings every fault in the ledger that is not punished for good to the chain, and marks it. It goes on after
// an error and returns what was done with all errors. bountyTo gets the reporter's parts.
func (l *Ledger) DisputeAll(ctx context.Context, chain Chain, bountyTo common.Address) ([]Dispute, error) {
	stored, err := l.Evidence()
	if err != nil {
		return nil, err
	}
	var done []Dispute
	var errs []error
	for _, s := range stored {
		if s.Final {
			continue
		}
		d, err := BringEvidence(ctx, chain, l.domain, s.Evidence, bountyTo)
		asItWas := s.Punished && d.Tx == (common.Hash{}) // else a reorganisation took the punishment out
		switch {
		case err != nil:
		case !asItWas:
			if err = l.markPunished(ctx, s.ID, d.Tx); err == nil {
				done = append(done, d)
			}
		case time.Since(s.PunishedAt) > punishedFor:
			err = l.markEvidence(ctx, s.ID, func(e *StoredEvidence) { e.Final = true })
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return done, errors.Join(errs...)
}
