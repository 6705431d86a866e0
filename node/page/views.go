package page

import (
	"context"
	"encoding/json"
	"time"

	"flotilla/node/requestlog"
)

// Views is the gateway as the page shows it. Methods are called concurrently, each about once a second for every view
// that is open: they read what is in memory, and a bounded part of the ledger. A *Refusal is told to the viewer.
type Views interface {
	// Requests are the newest, and the one that open names, by its request id or receipt id, with its decision; with an
	// empty open, the newest that was answered.
	Requests(ctx context.Context, v Viewer, open string) (Requests, error)
	Fleet(ctx context.Context, v Viewer) (Fleet, error)
	Spend(ctx context.Context, v Viewer) (Spend, error)
	Receipts(ctx context.Context, v Viewer) (Receipts, error)
	// Receipt is all that verifies the receipt of that id.
	Receipt(ctx context.Context, v Viewer, id string) (json.RawMessage, error)
}

// MaxListed bounds the requests and the receipts of a view.
const MaxListed = 100

// Requests is the first view.
type Requests struct {
	Viewer   Viewer              `json:"viewer"`
	Requests []requestlog.Record `json:"requests"` // newest first, at most MaxListed
	Open     *Opened             `json:"open"`     // null: there is none
}

// Opened is one request with the decision behind it.
type Opened struct {
	Request requestlog.Record `json:"request"`
	// Decision is the record that the receipt binds, as POST /v1/route gives it; null where nothing was charged.
	Decision json.RawMessage `json:"decision"`
	// Outcomes are what the index says of each of the decision's neighbours, in their order: a model's score, 0 to 1.
	// Empty when the index has been edited since.
	Outcomes []map[string]float64 `json:"outcomes"`
	Receipt  *Receipt             `json:"receipt"`
}

// Receipt is one line of the receipts, and how far it has come.
type Receipt struct {
	ID           string    `json:"id"`
	At           time.Time `json:"at"`
	Model        string    `json:"model"`
	Operator     string    `json:"operator"`
	CostMicroUSD uint64    `json:"cost_micro_usd"`
	// The signed price that it was charged by, in µUSD: per million tokens, and flat.
	InputPerMTok  uint64 `json:"input_per_mtok"`
	OutputPerMTok uint64 `json:"output_per_mtok"`
	PerRequest    uint64 `json:"per_request,omitempty"`
	State         string `json:"state"` // "pending", "sealed", "submitted" or "settled"
	Partial       bool   `json:"partial,omitempty"`
	Epoch         uint64 `json:"epoch,omitempty"` // of the batch that the chain holds it in
	Tx            string `json:"tx,omitempty"`
}

// Receipts are the newest.
type Receipts struct {
	Viewer   Viewer    `json:"viewer"`
	ChainID  uint64    `json:"chain_id"`
	Contract string    `json:"contract"`
	Payer    string    `json:"payer"`
	Receipts []Receipt `json:"receipts"` // newest first, at most MaxListed
	// Settling is the state of this gateway's settlement; for its owner only.
	Settling any `json:"settling,omitempty"`
}

// Fleet is who can be asked.
type Fleet struct {
	Viewer    Viewer     `json:"viewer"`
	Operators []Operator `json:"operators"` // at most MaxOperators
	Total     int        `json:"total"`
}

// MaxOperators bounds a Fleet.
const MaxOperators = 200

// Operator is one node of an operator, or the stake of one that advertises nothing.
type Operator struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	// Trouble says why it is not asked now; empty when it is, for some of its models at least.
	Trouble         string     `json:"trouble,omitempty"`
	Faults          int        `json:"faults"` // in a row; the circuit breaker is closed at 0
	PausedUntil     *time.Time `json:"paused_until,omitempty"`
	InFlight        int        `json:"in_flight"` // requests of this gateway
	FirstByteMillis float64    `json:"first_byte_ms,omitempty"`
	TokensPerSecond float64    `json:"tokens_per_second,omitempty"`
	StakeMicroUSD   uint64     `json:"stake_micro_usd"`
	LaneMicroUSD    uint64     `json:"lane_micro_usd"` // this gateway's escrow for it
	Offers          []Offer    `json:"offers"`
}

// Offer is one model at its signed price, in µUSD per million tokens.
type Offer struct {
	Model         string   `json:"model"`
	InputPerMTok  uint64   `json:"input_micro_usd_per_mtok"`
	OutputPerMTok uint64   `json:"output_micro_usd_per_mtok"`
	PerRequest    uint64   `json:"per_request_micro_usd,omitempty"`
	MaxContext    uint32   `json:"max_context,omitempty"`
	Quantization  string   `json:"quantization,omitempty"`
	Runtime       string   `json:"runtime,omitempty"`
	Features      []string `json:"features,omitempty"`
	Trouble       string   `json:"trouble,omitempty"` // why the operator is not asked for it now
	Ability       *float64 `json:"ability"`           // on an average prompt of the index, 0 to 1; null: the index has no row of it
}
