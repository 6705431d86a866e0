package node

import (
	"context"
	"fmt"
	"time"

	"flotilla/node/openai"
	"flotilla/node/requestlog"
)

// followEvery is how soon a gateway learns what another has answered.
const followEvery = time.Second

// remember counts, for the page and for the budgets of upgrades, what the log has from before the start; where several gateways share
// it, then what the others go on to write.
func (g *gate) remember(ctx context.Context, start time.Time) {
	mark, shared, err := g.requests.Mark(ctx)
	if err != nil && ctx.Err() == nil {
		g.log.Warn("the page and the budgets for upgrades count nothing of other gateways until the request log can be read", "err", err)
	}
	for err != nil {
		if !g.rest(ctx) {
			return
		}
		mark, shared, err = g.requests.Mark(ctx)
	}
	f := requestlog.Filter{Until: start, Limit: requestlog.MaxPage}
	if shared {
		f.Until, f.Before = time.Time{}, mark
	}
	if err := g.recall(ctx, f, start); err != nil && ctx.Err() == nil {
		g.log.Warn("the page and the budgets for upgrades know only what came since the start", "err", err)
	}
	if shared {
		g.follow(ctx, mark)
	}
}

// recall counts what f chooses: for the page the newest, for the budgets of upgrades a day.
func (g *gate) recall(ctx context.Context, f requestlog.Filter, start time.Time) error {
	day := start.Add(-openai.UpgradeWindow)
	for read, recent := 0, true; (read < maxFilled || recent) && ctx.Err() == nil; read += f.Limit {
		p, err := g.requests.List(ctx, f)
		if err != nil {
			return fmt.Errorf("count what is in the request log: %w", err)
		}
		if read < maxFilled {
			g.book.Fill(p.Requests)
		}
		for _, r := range p.Requests {
			if recent = r.At.After(day); recent {
				g.recallUpgrade(r)
			}
		}
		if f.Cursor = p.Next; f.Cursor == "" {
			break
		}
	}
	return nil
}

// follow counts what other gateways write from the mark on, until ctx ends.
func (g *gate) follow(ctx context.Context, mark requestlog.Mark) {
	for failed, more := false, false; more || g.rest(ctx); {
		others, end, err := g.requests.Others(ctx, mark)
		if more = len(others) == requestlog.MaxPage; err != nil {
			if !failed && ctx.Err() == nil {
				g.log.Warn("what other gateways answer is not counted until the request log can be read again", "err", err)
			}
			failed = true
			continue
		}
		for _, r := range others {
			g.book.Add(r)
			g.recallUpgrade(r)
		}
		failed, mark = false, end
	}
}

// rest until the log is looked at again; false: ctx has ended.
func (g *gate) rest(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(followEvery):
		return true
	}
}

// recallUpgrade counts an answer of before the start, or of another gateway.
func (g *gate) recallUpgrade(r requestlog.Record) {
	if r.Model != "" && r.Cache == "" { // an answer began
		g.upgrades.Recall(r.Key, r.At, r.UpgradeMicroUSD)
	}
}
