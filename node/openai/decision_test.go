package openai

import (
	"encoding/json"
	"fmt"
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

// TestUsagesAddUp: every number and object of an answer's usage is one in every other's, as LangChain's sums want it: a member may be
// missing or null only where it is no number and no object.
func TestUsagesAddUp(t *testing.T) {
	kinds := map[string]string{}
	var look func(where string, v any)
	look = func(where string, v any) {
		kind := ""
		switch v := v.(type) {
		case map[string]any:
			kind = "object"
			for name, member := range v {
				look(where+"."+name, member)
			}
		case json.Number:
			kind = "integer"
			if strings.Contains(v.String(), ".") {
				kind = "fraction"
			}
		default:
			return
		}
		if before, seen := kinds[where]; seen && before != kind {
			t.Errorf("%s is sometimes %s, sometimes %s", where, before, kind)
		}
		kinds[where] = kind
	}
	objects := map[string]int{}
	infos := []Info{
		{}, {PredictedQuality: 1, BaselineQuality: 0.5}, {PredictedQuality: 0.25, BaselineQuality: 1, Cache: CacheUse{Status: CacheMiss}}, {Cache: CacheUse{Status: CacheBypass}},
		{Cache: CacheUse{Status: CacheHit, Kind: "exact", Similarity: 1}}, {Cache: CacheUse{Status: CacheHit, Kind: "semantic", Similarity: 0.98, Age: 1e9}},
	}
	for i, info := range infos {
		d := json.NewDecoder(strings.NewReader(string(usageObject(nil, info, Final{CostMicroUSD: uint64(i) * 500_000}))))
		d.UseNumber()
		var usage map[string]any
		if err := d.Decode(&usage); err != nil {
			t.Fatal(err)
		}
		look("usage", usage)
		for _, where := range [][]string{{"flotilla"}, {"flotilla", "cache"}} {
			var at any = usage
			for _, name := range where {
				at = at.(map[string]any)[name]
			}
			if _, ok := at.(map[string]any); ok {
				objects[fmt.Sprint(where)]++
			}
		}
	}
	for where, n := range objects {
		if n != len(infos) {
			t.Errorf("%s is an object in %d of %d usages", where, n, len(infos))
		}
	}
}
