package openai

import (
	"strings"
	"testing"
)

// TestCostIsNoInteger: LangChain adds the usages of several answers up and raises where a number is a float in one and an
// integer in another, as 0 and 1 would be.
func TestCostIsNoInteger(t *testing.T) {
	for micro, want := range map[uint64]string{0: "0.0", 1: "0.000001", 2_500_000: "2.5", 3_000_000: "3.0"} {
		if raw := string(usageObject(nil, Info{}, Final{CostMicroUSD: micro})); !strings.Contains(raw, `"cost":`+want+`,`) {
			t.Errorf("%d µUSD: %s, want cost %s", micro, raw, want)
		}
	}
}
