package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// errLockedOut: the new configuration takes the last API key away.
var errLockedOut = errors.New("it has no API key any more, so that nobody could use the gateway: is the file still being written? " +
	"To do without keys in the configuration, make one first ('flotilla keys create'); to serve nobody, stop the gateway")

// Reconfigure takes from c what can change while the gateway runs: APIKeys, LaneDeposit, MaxOutputTokens, DefaultModel,
// AcceptFeedback, Upgrades, Cache and ShareIndex. Requests under way end as they began. On an error nothing has changed.
func (g *Gateway) Reconfigure(ctx context.Context, c GatewayConfig) error {
	c.setDefaults()
	next := *g.cfg.Load()
	if hasKey(next.APIKeys) && !hasKey(c.APIKeys) {
		if err := g.checkStoredKeys(ctx); err != nil {
			return err
		}
	}
	next.APIKeys, next.LaneDeposit, next.MaxOutputTokens = c.APIKeys, c.LaneDeposit, c.MaxOutputTokens
	next.DefaultModel, next.AcceptFeedback, next.Upgrades = c.DefaultModel, c.AcceptFeedback, c.Upgrades
	next.Cache, next.ShareIndex = c.Cache, c.ShareIndex
	g.cfg.Store(&next)
	g.keys.SetConfig(next.APIKeys)
	return nil
}

func hasKey(keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return k != "" })
}

// checkStoredKeys is nil when a key that is not of the configuration can be used.
func (g *Gateway) checkStoredKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storedKeysTimeout)
	defer cancel()
	all, err := g.keys.List(ctx)
	if err != nil {
		return fmt.Errorf("look for API keys beside those of the configuration, which has none left: %w", err)
	}
	for _, s := range all {
		if !s.Config && s.Usable(g.now()) == nil {
			return nil
		}
	}
	return errLockedOut
}

// storedKeysTimeout bounds the look into a database that may be away.
const storedKeysTimeout = 10 * time.Second
