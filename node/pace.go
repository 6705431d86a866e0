package node

import (
	"math"
	"time"

	"flotilla/node/openai"
)

// paceWeight is the newest answer's share in a moving average: the last ten or so count.
const paceWeight = 0.2

// pace is how fast an operator has answered this gateway, as moving averages. The zero pace is of one never asked.
type pace struct {
	firstByte    time.Duration
	tokensPerSec float64
}

// slowness orders operators, the fastest first.
func (p pace) slowness(by openai.Sort) float64 {
	switch {
	case by == openai.SortLatency && p.firstByte > 0:
		return p.firstByte.Seconds()
	case by == openai.SortThroughput && p.tokensPerSec > 0:
		return 1 / p.tokensPerSec
	}
	return math.Inf(1)
}

func (p *pace) sawFirstByte(after time.Duration) {
	if p.firstByte == 0 {
		p.firstByte = after
	}
	p.firstByte += time.Duration(paceWeight * float64(after-p.firstByte))
}

func (p *pace) sawTokens(n uint32, in time.Duration) {
	if n < 2 || in <= 0 { // one token has no rate
		return
	}
	rate := float64(n) / in.Seconds()
	if p.tokensPerSec == 0 {
		p.tokensPerSec = rate
	}
	p.tokensPerSec += paceWeight * (rate - p.tokensPerSec)
}

// pace of an operator with a model.
func (h *health) pace(at endpoint) pace {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.seen[at]; p != nil {
		return p.pace
	}
	return pace{}
}

// timed notes when an answer's first byte came, and how long its tokens took from there.
func (h *health) timed(at endpoint, firstByte time.Duration, tokens uint32, rest time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, at := range [...]endpoint{at, at.itself()} {
		p := h.get(at)
		if firstByte > 0 {
			p.pace.sawFirstByte(firstByte)
		}
		p.pace.sawTokens(tokens, rest)
	}
}
