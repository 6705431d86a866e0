package settlement

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// Check is the outcome of one step of a verification.
type Check struct {
	Name     string `json:"name"`
	OK       bool   `json:"ok"`
	Skipped  bool   `json:"skipped"`         // not made; Evidence says why
	Evidence string `json:"evidence"`        // what was compared with what, for people
	Err      error  `json:"-"`               // nil, the sentinel of the failure, or ErrCannotCheck
	Error    string `json:"error,omitempty"` // Err in words
}

// Report is the outcome of verifying one receipt or one batch.
type Report struct {
	ID     ReceiptID `json:"receipt,omitzero"`
	Batch  *BatchRef `json:"batch,omitempty"` // nil in a receipt's report
	Checks []Check   `json:"checks"`
}

// BatchRef names a batch.
type BatchRef struct {
	Payer common.Address `json:"payer"`
	Epoch uint64         `json:"epoch"`
}

// Subject says in words what was verified.
func (r Report) Subject() string {
	if r.Batch != nil {
		return fmt.Sprintf("batch %d of %s", r.Batch.Epoch, r.Batch.Payer)
	}
	return "receipt " + r.ID.String()
}

// Err returns nil when every check that could be made passed and none that is needed was missing;
// ErrVerifyFailed with the first failure's own sentinel when one failed; else ErrCannotCheck.
func (r Report) Err() error {
	var missing error
	for _, c := range r.Checks {
		switch {
		case c.Err == nil: // it passed, or is not needed
		case errors.Is(c.Err, ErrCannotCheck):
			if missing == nil {
				missing = fmt.Errorf("%s: %s: %w", r.Subject(), c.Name, c.Err)
			}
		default:
			return fmt.Errorf("%s: %w: %s: %w", r.Subject(), ErrVerifyFailed, c.Name, c.Err)
		}
	}
	return missing
}

// Failed returns the names of the checks that failed, in order.
func (r Report) Failed() []string {
	var names []string
	for _, c := range r.Checks {
		if c.Err != nil && !errors.Is(c.Err, ErrCannotCheck) {
			names = append(names, c.Name)
		}
	}
	return slices.Clip(names)
}

// checklist gathers the checks of one verification.
type checklist struct{ report Report }

func (l *checklist) add(c Check) { l.report.Checks = append(l.report.Checks, c) }

// judge adds a check that passed with evidence when err is nil, and failed with err otherwise.
func (l *checklist) judge(name, evidence string, err error) {
	if err != nil {
		l.add(failed(name, err.Error(), err))
		return
	}
	l.add(Check{Name: name, OK: true, Evidence: evidence})
}

// cannot adds a check that could not be made, which keeps the report from passing.
func (l *checklist) cannot(name, why string, cause error) {
	err := fmt.Errorf("%w: %s", ErrCannotCheck, why)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	l.add(Check{Name: name, Skipped: true, Evidence: why, Err: err, Error: err.Error()})
}

// checkPayer judges a signature that the payer, or a key that it had authorised at that unix second, has to have made.
func (l *checklist) checkPayer(ctx context.Context, name, who string, chain ChainReader, payer common.Address, digest common.Hash, sig Signature, at uint64) {
	signer, err := CheckPayer(ctx, chain, who, payer, digest, sig, at)
	switch {
	case errors.Is(err, errSignerUnknown):
		l.cannot(name, "only the chain tells whether "+payer.Hex()+" lets "+signer.Hex()+" sign for it", err)
	case err == nil && signer != payer:
		l.judge(name, "by "+signer.Hex()+", which "+payer.Hex()+" has authorised", nil)
	default:
		l.judge(name, "by "+payer.Hex(), err)
	}
}

// checkDomain adds a failed check unless the messages are for the deployment that the verifier trusts.
func (l *checklist) checkDomain(given, trusted Domain) {
	if given != trusted {
		l.add(failed("domain", fmt.Sprintf("bundle is for chain %d, contract %s; verifying against chain %d, contract %s",
			given.ChainID, given.Contract, trusted.ChainID, trusted.Contract), ErrWrongDomain))
	}
}

func failed(name, evidence string, err error) Check {
	return Check{Name: name, Evidence: evidence, Err: err, Error: err.Error()}
}
