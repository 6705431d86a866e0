package main

import (
	"fmt"

	"flotilla/node/openai"
	"flotilla/settlement"
)

// upgradeLimits reads what API keys may spend on upgrades.
func (c *gatewayCmd) upgradeLimits() (openai.UpgradeLimits, error) {
	if !(c.UpgradeShare >= 0 && c.UpgradeShare <= 1) {
		return openai.UpgradeLimits{}, fmt.Errorf("--upgrade-share: %v: want 0 to 1", c.UpgradeShare)
	}
	most, err := settlement.ParseAmount(c.UpgradeUSD)
	if err != nil {
		return openai.UpgradeLimits{}, fmt.Errorf("--upgrade-usd: %w", err)
	}
	return openai.UpgradeLimits{MaxShare: c.UpgradeShare, MaxMicroUSD: uint64(most)}, nil
}
