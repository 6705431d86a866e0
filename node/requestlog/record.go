// Package requestlog keeps one record a request: who asked for what, who answered and why, how long it took and what it
// cost. Never a prompt, an answer or a key. Records are for people and dashboards; what is owed is in the ledger.
//
// Adding a record never waits: it goes through a bounded queue to one writer. Close writes what is queued. kill -9 loses
// what was queued and nothing else; a power cut may lose the last seconds.
package requestlog

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"
)

// Record is one request. Its JSON is what the owner's pages and commands show.
type Record struct {
	ID    string    `json:"id"` // x-request-id
	At    time.Time `json:"at"` // when it arrived
	Key   string    `json:"key"`
	Route string    `json:"route"`
	// Status is the HTTP status that went out, 499 for a client that left; Code the error's word, empty if all went well.
	Status int    `json:"status"`
	Code   string `json:"code,omitempty"`
	Stream bool   `json:"stream,omitempty"`

	Asked            string   `json:"asked,omitempty"` // the model as the client named it
	Model            string   `json:"model,omitempty"`
	Operator         string   `json:"operator,omitempty"`
	Reason           string   `json:"reason,omitempty"`
	Why              string   `json:"why,omitempty"`
	PredictedQuality *float64 `json:"predicted_quality,omitempty"`
	Attempts         int      `json:"attempts,omitempty"` // operators that were asked

	PromptTokens     uint32   `json:"prompt_tokens"`
	CompletionTokens uint32   `json:"completion_tokens"`
	CostMicroUSD     uint64   `json:"cost_micro_usd"`
	BaselineModel    string   `json:"baseline_model,omitempty"`
	BaselineQuality  *float64 `json:"baseline_quality,omitempty"` // predicted
	BaselineMicroUSD uint64   `json:"baseline_micro_usd,omitempty"`
	// UpgradeMicroUSD is what the choice was expected to cost above the cheapest capable; 0: it was no upgrade.
	UpgradeMicroUSD float64 `json:"upgrade_micro_usd,omitempty"`
	Receipt         string  `json:"receipt_id,omitempty"` // empty: nothing was charged
	Partial         bool    `json:"partial,omitempty"`
	FinishReason    string  `json:"finish_reason,omitempty"` // empty: the model did not come to an end
	// Cache is exact or semantic where an answer was given again; CacheReceipt and CacheSavedMicroUSD are its receipt and what
	// it had cost when it was new, which is no saving of the router's.
	Cache              string `json:"cache,omitempty"`
	CacheReceipt       string `json:"cache_receipt_id,omitempty"`
	CacheSavedMicroUSD uint64 `json:"cache_saved_micro_usd,omitempty"`

	FirstByteMillis float64 `json:"first_byte_ms,omitempty"`
	TotalMillis     float64 `json:"total_ms"`
}

// Rows of the log. Times are turned round, so that the newest record comes first.
const (
	prefixRecord  = "r/" // + (max − time of arrival in ns) + request id → Record
	prefixRequest = "i/" // + request id → the rest of the record's key
	prefixReceipt = "c/" // + receipt id → the same
)

// place is a record's key without its prefix: its time and its id.
func place(at time.Time, id string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(math.MaxInt64-at.UnixNano())), id...)
}

func (r Record) place() []byte { return place(r.At, r.ID) }

// Filter chooses records; zero fields choose all.
type Filter struct {
	Key, Model string
	Operator   string // its name, or how that begins, such as its address
	Status     Status
	// Since and Until bound the time of arrival: Since ≤ it < Until.
	Since, Until time.Time
	// Before leaves out of a shared log what was written from the mark on, and what this gateway has written since its start.
	Before Mark
	// Limit is the most records of a page. Default 100, at most MaxPage.
	Limit int
	// Cursor is where the page before this one ended.
	Cursor string
}

// Bounds of a page.
const (
	defaultPage = 100
	MaxPage     = 1000
	// maxScanned bounds the records that are looked at for one page: one with a rare match may come back short, with a
	// cursor to go on.
	maxScanned = 50_000
)

// Status chooses HTTP statuses: "200", "4xx", or "error" for all from 400.
type Status string

func (s Status) check() error {
	ok := s == "" || s == "error" || len(s) == 3 && s[0] >= '1' && s[0] <= '5' && (s[1:] == "xx" || isDigits(string(s[1:])))
	if !ok {
		return fmt.Errorf("%w: status %q: want a number such as 429, a class such as 4xx, or error", ErrBadFilter, s)
	}
	return nil
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func (s Status) matches(status int) bool {
	switch {
	case s == "":
		return true
	case s == "error":
		return status >= 400
	case strings.HasSuffix(string(s), "xx"):
		return status/100 == int(s[0]-'0')
	}
	return fmt.Sprint(status) == string(s)
}

func (f Filter) matches(r Record) bool {
	return (f.Key == "" || f.Key == r.Key) && (f.Model == "" || f.Model == r.Model) &&
		strings.HasPrefix(strings.ToLower(r.Operator), strings.ToLower(f.Operator)) && f.Status.matches(r.Status)
}

// Place is where a page begins: after the record with this time and id. A zero At is the beginning.
type Place struct {
	At time.Time
	ID string
}

// place is where the page before f's ended.
func (f Filter) place() (Place, error) {
	if f.Cursor == "" {
		return Place{}, nil
	}
	at, err := base64.RawURLEncoding.DecodeString(f.Cursor)
	if err != nil || len(at) < 8 {
		return Place{}, fmt.Errorf("%w: a cursor is what the page before gave as next", ErrBadFilter)
	}
	return Place{time.Unix(0, math.MaxInt64-int64(binary.BigEndian.Uint64(at))), string(at[8:])}, nil
}

// After is where f's page begins; the Log has checked the cursor.
func (f Filter) After() Place {
	p, _ := f.place()
	return p
}

// Cursor of the page after the one that ends with r.
func (r Record) Cursor() string { return base64.RawURLEncoding.EncodeToString(r.place()) }

// start is the first key to look at.
func (f Filter) start() ([]byte, error) {
	after, err := f.place()
	switch {
	case err != nil:
		return nil, err
	case f.Cursor != "":
		return append(place(after.At, after.ID), 0), nil // after that record
	case !f.Until.IsZero():
		return place(f.Until.Add(-1), ""), nil
	}
	return nil, nil
}
