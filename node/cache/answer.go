package cache

import (
	"encoding/json"
	"time"

	"flotilla/node/rawjson"
)

// Answer is a whole answer, as the fleet gave it.
type Answer struct {
	// Stream: Pieces are the chunks of a stream; else there is one, a chat completion.
	Stream bool
	Pieces []json.RawMessage
	Origin Origin
}

// Origin says where an answer came from.
type Origin struct {
	At                             time.Time
	Model, Operator, ReceiptID     string
	PredictedQuality               float64
	PromptTokens, CompletionTokens uint32
	CostMicroUSD                   uint64
}

// MaxAnswer bounds one answer, in bytes; a larger one is not kept.
const MaxAnswer = 1 << 20

func (a Answer) bytes() int {
	n := 0
	for _, p := range a.Pieces {
		n += len(p)
	}
	return n
}

// complete: each choice has come to an end of its own, or to a call of tools. What was cut at a limit of tokens or by a
// filter, and what is no answer at all, is not given again.
func (a Answer) complete() bool {
	ended := map[int]bool{} // by choice
	for _, raw := range a.Pieces {
		var p struct {
			Error   json.RawMessage `json:"error"`
			Choices []struct {
				Index  int    `json:"index"`
				Finish string `json:"finish_reason"`
			} `json:"choices"`
		}
		if json.Unmarshal(raw, &p) != nil || len(p.Error) > 0 && !rawjson.IsNull(p.Error) {
			return false
		}
		for _, c := range p.Choices {
			switch c.Finish {
			case "stop", "tool_calls", "function_call":
				ended[c.Index] = true
			case "":
				ended[c.Index] = ended[c.Index] || false
			default:
				return false
			}
		}
	}
	for _, ok := range ended {
		if !ok {
			return false
		}
	}
	return len(ended) > 0
}

// in is the answer as a stream or whole, as it is asked for. Where something would be lost on the way there is none.
func (a Answer) in(stream bool) (Answer, bool) {
	if stream == a.Stream {
		return a, true
	}
	pieces, err := joined(a.Pieces)
	if stream {
		pieces, err = split(a.Pieces)
	}
	a.Stream, a.Pieces = stream, pieces
	return a, err == nil
}
