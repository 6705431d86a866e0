package openai

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"flotilla/node/rawjson"
)

// headerCache tells what the gateway's cache had to do with an answer.
const headerCache = "X-Flotilla-Cache"

// CacheControl is what a request says of answers that were given before, in HTTP's words (RFC 9111, 5.2.1). It is about the
// gateway's own cache and is not sent on.
type CacheControl struct {
	NoStore bool // neither give an old answer nor keep the new one
	NoCache bool // give no old answer
	// OnlyIfCached: give no new one.
	OnlyIfCached bool
	// MaxAge is how old an answer may be; 0 sets no limit. (A max-age of 0 is NoCache.)
	MaxAge time.Duration
}

// readCacheControl reads Cache-Control; what it does not know it leaves out, as HTTP wants it.
func readCacheControl(h http.Header) CacheControl {
	var c CacheControl
	for _, line := range h.Values("Cache-Control") {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch strings.ToLower(name) {
			case "no-store":
				c.NoStore = true
			case "no-cache":
				c.NoCache = true
			case "only-if-cached":
				c.OnlyIfCached = true
			case "max-age":
				if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
					c.MaxAge, c.NoCache = time.Duration(n)*time.Second, c.NoCache || n == 0
				}
			}
		}
	}
	return c
}

// CacheStatus is what the gateway's cache had to do with an answer.
type CacheStatus string

// The statuses. The zero value: the key has no cache.
const (
	CacheHit    CacheStatus = "hit"
	CacheMiss   CacheStatus = "miss"
	CacheBypass CacheStatus = "bypass" // the request did not want an old answer, or cannot have one
)

// CacheUse says where an answer that is given again comes from.
type CacheUse struct {
	Status CacheStatus
	// The rest is of a hit. Kind is exact or semantic; Similarity that of the two texts.
	Kind       string
	Age        time.Duration
	Similarity float64
	// ReceiptID is of the answer when it was new, SavedMicroUSD what it cost then.
	ReceiptID     string
	SavedMicroUSD uint64
}

// header is the value of X-Flotilla-Cache.
func (u CacheUse) header() string {
	if u.Status != CacheHit {
		return string(u.Status)
	}
	v := "hit; kind=" + u.Kind + "; age=" + strconv.Itoa(int(u.Age/time.Second))
	if u.Similarity < 1 {
		v += "; similarity=" + strconv.FormatFloat(u.Similarity, 'f', 4, 64)
	}
	return v + "; receipt=" + u.ReceiptID
}

// beside adds the hit to the decision that would be taken without the cache. Any other decision stays the record that replays.
func (u CacheUse) beside(decision json.RawMessage) json.RawMessage {
	obj, err := rawjson.Parse(decision)
	if err != nil { // there is none
		obj, _ = rawjson.Parse([]byte("{}")) // constant, parses
	}
	value, err := json.Marshal(u.usage())
	if err != nil { // strings and finite numbers always encode
		value = json.RawMessage("null")
	}
	return obj.Apply(rawjson.Edit{Key: "cache", Value: value})
}

// usageCache is usage.flotilla.cache. It is an object whatever the status: LangChain adds the usages of several answers up, and fails
// where a member is one in some of them only.
type usageCache struct {
	Status CacheStatus `json:"status"` // "off" for a key without a cache
	*usageHit
}

// usageHit is of hits only.
type usageHit struct {
	Kind          string   `json:"kind"`
	AgeSeconds    int      `json:"age_seconds"`
	Similarity    fraction `json:"similarity"`
	ReceiptID     string   `json:"receipt_id"`
	SavedMicroUSD uint64   `json:"saved_micro_usd"`
}

func (u CacheUse) usage() usageCache {
	if u.Status != CacheHit {
		return usageCache{Status: cmp.Or(u.Status, "off")}
	}
	return usageCache{u.Status, &usageHit{u.Kind, int(u.Age / time.Second), fraction(u.Similarity), u.ReceiptID, u.SavedMicroUSD}}
}
