package main

import (
	"fmt"

	"flotilla/node/openai"
)

// upgradeLimits reads what API keys may spend on upgrades.
func (c *gatewayCmd) upgradeLimits() (openai.UpgradeLimits, error) {
	if !(c.UpgradeShare >= 0 && c.UpgradeShare <= 1) {
		return openai.UpgradeLimits{}, fmt.Errorf("--upgrade-share: %v: want 0 to 1", c.UpgradeShare)
	}
	return openai.UpgradeLimits{MaxShare: c.UpgradeShare, MaxMicroUSD: uint64(c.UpgradeUSD)}, nil
}
