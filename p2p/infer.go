package p2p

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// MaxInFlightPerPeer bounds this node's open calls to one operator. QUIC allows
// 256 streams per connection, and gossip and sync need some of them.
const MaxInFlightPerPeer = 200

// Reject codes that this package issues or interprets; nodes add their own.
const (
	// CodeOverloaded means no capacity now; it is nobody's fault.
	CodeOverloaded = "overloaded"
	// CodeInternal means that the handler failed before it accepted.
	CodeInternal = "internal"
	// CodeBadRequest means that the request broke the stream protocol.
	CodeBadRequest = "bad_request"
)

// Errors of inference streams.
var (
	// ErrAcceptTimeout means that the operator neither accepted nor rejected in time.
	ErrAcceptTimeout = errors.New("operator did not accept in time")
	// ErrBroken means that the stream was lost before End.
	ErrBroken = errors.New("stream is broken")
	// ErrCanceled is the cause of a handler's context after the gateway's Cancel.
	ErrCanceled = errors.New("gateway canceled the request")
	// ErrNoSettlement means that the gateway did not settle in time after End.
	ErrNoSettlement = errors.New("gateway did not settle in time")
	// ErrStalled means that the gateway did not acknowledge for too long.
	ErrStalled = errors.New("gateway does not acknowledge")
)

// InferRequest is what a gateway asks of an operator. Everything but Stream is
// opaque to this package.
type InferRequest struct {
	Order, OrderSig []byte
	Advert          []byte
	Body            []byte // at most MaxBodyBytes
	Stream          bool
	Extra           []byte // Order, OrderSig, Advert and Extra: at most MaxOrderBytes together
}

// validate checks the bounds.
func (r *InferRequest) validate() error {
	if n := len(r.Order) + len(r.OrderSig) + len(r.Advert) + len(r.Extra); n > MaxOrderBytes {
		return fmt.Errorf("order, advert and extra have %d bytes, limit %d", n, MaxOrderBytes)
	}
	if len(r.Body) > MaxBodyBytes {
		return fmt.Errorf("request body has %d bytes, limit %d", len(r.Body), MaxBodyBytes)
	}
	return nil
}

// Delta is the data of one Send. Tokens is the running count of output tokens
// that the operator claims.
type Delta struct {
	N      uint64 // 1, 2, 3 … without gaps
	Data   []byte
	Tokens uint32
}

// End is the operator's close of an answer. Receipt and ReceiptSig are opaque.
type End struct {
	FinishReason              string
	InputTokens, OutputTokens uint32
	Receipt, ReceiptSig       []byte // at most MaxReceiptBytes together
	Error                     string // empty when the answer is complete
	Fault                     []byte // of the error, opaque; at most MaxFaultBytes
}

// Settlement is the gateway's answer to a receipt: a countersignature and a
// voucher, or the reason of a dispute. All opaque.
type Settlement struct {
	Countersignature    []byte
	Voucher, VoucherSig []byte // with Countersignature at most MaxReceiptBytes
	Dispute             string
}

// RejectedError says that an operator, or a limit on the way, refused a request.
type RejectedError struct {
	Code       string
	RetryAfter time.Duration
	Message    string
}

// Error names code and message.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("operator rejected the request: %s: %s", e.Code, e.Message)
}

// BrokenError says how much of an answer was received before its stream was
// lost. errors.Is(err, ErrBroken) holds.
type BrokenError struct {
	Deltas uint64 // whole Deltas returned by Recv
	Tokens uint32 // their running token count
	Err    error
}

// Error names the counts and the cause.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("stream is broken after %d deltas and %d tokens: %v", e.Deltas, e.Tokens, e.Err)
}

// Unwrap returns ErrBroken and the cause.
func (e *BrokenError) Unwrap() []error { return []error{ErrBroken, e.Err} }

// truncate cuts a text for people to its bound and to valid UTF-8, which the
// decoder on the other side insists on.
func truncate(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxReasonBytes)], "")
}
