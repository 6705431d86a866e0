package node

// Reconfigure takes from c what can change while the gateway runs: APIKeys, LaneDeposit, MaxOutputTokens, DefaultModel,
// AcceptFeedback, Upgrades and Cache. Requests under way end as they began.
func (g *Gateway) Reconfigure(c GatewayConfig) {
	c.setDefaults()
	next := *g.cfg.Load()
	next.APIKeys, next.LaneDeposit, next.MaxOutputTokens = c.APIKeys, c.LaneDeposit, c.MaxOutputTokens
	next.DefaultModel, next.AcceptFeedback, next.Upgrades = c.DefaultModel, c.AcceptFeedback, c.Upgrades
	next.Cache = c.Cache
	g.cfg.Store(&next)
	g.keys.SetConfig(next.APIKeys)
}
