package ethchain

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

// What callers branch on, beside settlement's own errors.
var (
	// ErrWrongChain: the node is on another chain than the configuration says.
	ErrWrongChain = errors.New("wrong chain")
	// ErrNoURL: the RPC URL is none.
	ErrNoURL = errors.New("the RPC URL is none: it begins with http://, https://, ws:// or wss://, or is the path of a node's socket")
	// ErrNoContract: nothing is deployed there; the address is wrong or the chain was started anew.
	ErrNoContract = errors.New("no contract at address")
	// ErrNotSettlement: the contract at the address is not a Flotilla settlement contract of this version.
	ErrNotSettlement = errors.New("not a Flotilla settlement contract")
	// ErrReadOnly: the Chain has no key to send with.
	ErrReadOnly = errors.New("no key to send transactions with")
	// ErrFeeTooHigh: gas costs more than MaxFeePerGas allows. Nothing was sent.
	ErrFeeTooHigh = errors.New("gas price above the ceiling")
	// ErrPending: an earlier transaction of this account is in no block yet. Nothing was sent; try later.
	ErrPending = errors.New("an earlier transaction is still pending")
	// ErrReplaced: another transaction took the nonce; something else sends with this key.
	ErrReplaced = errors.New("transaction replaced by another of the same account")
	// ErrReverted: the contract refused; every *RevertError is one.
	ErrReverted = errors.New("contract refused")

	ErrNothingThawing      = errors.New("nothing is thawing")
	ErrStillThawing        = errors.New("still thawing")
	ErrAlreadyThawing      = errors.New("already thawing; cancel the thaw first")
	ErrInsufficientStake   = errors.New("insufficient stake")
	ErrInsufficientBalance = errors.New("insufficient lane balance")
	ErrInsufficientTokens  = errors.New("insufficient tokens in the account")
	ErrNoAllowance         = errors.New("the contract has no allowance for so many tokens; approve first")
	ErrNothingToClaim      = errors.New("nothing to claim")
	ErrZeroAmount          = errors.New("the amount is 0")

	// ErrAlreadyPunished: this evidence has cost the operator stake before.
	ErrAlreadyPunished = errors.New("already punished")
	// ErrNothingToSlash: the operator has no stake left. The evidence stays good for when it stakes again.
	ErrNothingToSlash = errors.New("the operator has no stake left")
	// ErrSignerBound: a key signs for one payer for ever, also after it was revoked.
	ErrSignerBound = errors.New("the key is bound to a payer already")
	// ErrNotYourSigner: the key is not this account's to manage, or is revoked.
	ErrNotYourSigner = errors.New("not a live signer of this account")
	// ErrConsentExpired: the signer's consent was not brought on chain in time; have it sign a new one.
	ErrConsentExpired = errors.New("the signer's consent has expired")
)

// RevertError is a refusal by a contract. errors.Is finds ErrReverted and, where there is one, the named
// error of the reason.
type RevertError struct {
	Name   string // the Solidity error's name, or the text of a plain revert
	Detail any    // the error's arguments as a struct of package bindings; nil for a plain revert
	named  error
}

func (e *RevertError) Error() string {
	if e.named != nil {
		return fmt.Sprintf("%v: %v (%s%s)", ErrReverted, e.named, e.Name, e.arguments())
	}
	return fmt.Sprintf("%v: %s%s", ErrReverted, e.Name, e.arguments())
}

// arguments prints the fields: "{ThawEnd:1700000000}", or nothing when there are none.
func (e *RevertError) arguments() string {
	if e.Detail == nil {
		return ""
	}
	text := fmt.Sprintf("%+v", e.Detail)
	if len(text) > 1 && text[0] == '&' {
		text = text[1:]
	}
	if text == "{}" {
		return ""
	}
	return text
}

// Unwrap makes errors.Is find ErrReverted and the named error.
func (e *RevertError) Unwrap() []error {
	if e.named == nil {
		return []error{ErrReverted}
	}
	return []error{ErrReverted, e.named}
}

// decodeRevert turns a node's "execution reverted" into a *RevertError; other errors pass unchanged, also those that a
// node answers with, such as a limit on calls.
func decodeRevert(err error) error {
	var withData rpc.DataError
	if !errors.As(err, &withData) {
		return err
	}
	text, _ := withData.ErrorData().(string)
	if text == "" && !strings.Contains(strings.ToLower(err.Error()), "revert") { // not every node sends data
		return err
	}
	raw, decodeErr := hexutil.Decode(text)
	if decodeErr != nil || len(raw) < 4 {
		return fmt.Errorf("%w: %w", ErrReverted, err)
	}
	detail, unpackErr := bindings.NewFlotillaSettlement().UnpackError(raw)
	if unpackErr != nil {
		detail, unpackErr = bindings.NewFlotillaStake().UnpackError(raw)
	}
	if unpackErr != nil {
		detail, unpackErr = bindings.NewTestToken().UnpackError(raw)
	}
	if unpackErr != nil { // Error(string), Panic, or an unknown contract's error: the node's text says it best
		return fmt.Errorf("%w: %w", ErrReverted, err)
	}
	name, named := nameOf(detail)
	return &RevertError{Name: name, Detail: detail, named: named}
}

// nameOf returns the Solidity name of an unpacked error, and the Go error that callers branch on; nil where nobody does.
func nameOf(detail any) (string, error) {
	name := strings.TrimPrefix(fmt.Sprintf("%T", detail), "*bindings.") // FlotillaStakeStillThawing
	for _, contract := range []string{"FlotillaSettlement", "FlotillaStake", "TestToken"} {
		name = strings.TrimPrefix(name, contract)
	}
	return name, namedErrors[name]
}

// namedErrors are the refusals of the contracts that callers branch on, by their Solidity names.
var namedErrors = map[string]error{
	"InvalidSigner":              settlement.ErrBadSignature,
	"NotSignedByOperator":        settlement.ErrBadSignature,
	"EpochMismatch":              settlement.ErrEpochConflict,
	"NoFault":                    settlement.ErrNoFault,
	"NothingThawing":             ErrNothingThawing,
	"StillThawing":               ErrStillThawing,
	"AlreadyThawing":             ErrAlreadyThawing,
	"InsufficientStake":          ErrInsufficientStake,
	"InsufficientBalance":        ErrInsufficientBalance,
	"NothingToClaim":             ErrNothingToClaim,
	"ZeroAmount":                 ErrZeroAmount,
	"AlreadyPunished":            ErrAlreadyPunished,
	"NothingToSlash":             ErrNothingToSlash,
	"SignerAlreadyBound":         ErrSignerBound,
	"NotYourSigner":              ErrNotYourSigner,
	"AuthorizationExpired":       ErrConsentExpired,
	"ERC20InsufficientBalance":   ErrInsufficientTokens,
	"ERC20InsufficientAllowance": ErrNoAllowance,
}
