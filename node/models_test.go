package node

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// A model is found by whatever name a request may ask for it, and its date is when this gateway first saw it.
func TestModelIsFoundByAnySpelling(t *testing.T) {
	began := time.Now().Unix()
	w := newWorld(t)
	w.scriptedOperator(Price{InputPerMTok: 1, OutputPerMTok: 2})
	read := func(path string, into any) int {
		t.Helper()
		resp, raw := w.get(worldAPIKey, path)
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("%s: %v: %s", path, err, raw)
		}
		return resp.StatusCode
	}
	type entry struct {
		ID      string
		Created int64
	}
	for _, name := range []string{worldModel, "HuggingFaceTB/SmolLM2-135M-Instruct", "HuggingFaceTB%2FSmolLM2-135M-Instruct", "smollm2:135m-instruct-q8_0", "SmolLM2-135M-Instruct-Q4_K_M.gguf"} {
		var m entry
		if status := read("/v1/models/"+name, &m); status != http.StatusOK || m.ID != worldModel {
			t.Errorf("%s: %d %+v", name, status, m)
		}
	}
	for _, name := range []string{"HuggingFaceTB/SmolLM2-360M-Instruct", "org/none"} {
		if status := read("/v1/models/"+name, &struct{}{}); status != http.StatusNotFound {
			t.Errorf("%s: %d", name, status)
		}
	}
	var served struct {
		Data struct {
			ID        string
			Endpoints []struct {
				ProviderName string `json:"provider_name"`
				Pricing      struct{ Prompt, Completion string }
			}
		}
	}
	read("/v1/models/HuggingFaceTB/SmolLM2-135M-Instruct/endpoints", &served)
	if e := served.Data.Endpoints; served.Data.ID != worldModel || len(e) != 1 || e[0].ProviderName == "" || e[0].Pricing.Completion != "0.000000000002" {
		t.Errorf("who serves it: %+v", served)
	}
	dates := func() map[string]int64 {
		t.Helper()
		var list struct{ Data []entry }
		read("/v1/models", &list)
		out := map[string]int64{}
		for _, m := range list.Data {
			out[m.ID] = m.Created
		}
		return out
	}
	first := dates()
	for id, at := range first {
		if at < began || at > time.Now().Unix() {
			t.Errorf("%s was created at %d, and the gateway began at %d", id, at, began)
		}
	}
	if len(first) != 3 { // auto, the model, the gateway's encoder
		t.Errorf("%v", first)
	}
	// Prices are signed anew all the time; the model is the same.
	g := w.gateway.Gateway
	later := priceFleet(g.pricedFleet().adverts, g.domain, g.pricedFleet(), time.Now().Add(time.Hour))
	if at := later.since[worldModel].Unix(); at != first[worldModel] || len(later.since) != 1 {
		t.Errorf("%v, first seen at %d", later.since, first[worldModel])
	}
	if gone := priceFleet(nil, g.domain, later, time.Now()); len(gone.since) != 0 {
		t.Errorf("a model that nobody offers is remembered: %v", gone.since)
	}
}
