package node

import (
	"testing"

	"flotilla/p2p"
)

// Adverts full of one model, under one number, are one contradiction and not thousands.
func TestTwoPricesOfOneModelAreOneFault(t *testing.T) {
	var e p2p.Equivocation
	for i := range e.Adverts {
		for j := range uint64(p2p.MaxOffers) {
			e.Adverts[i].Offers = append(e.Adverts[i].Offers, p2p.Offer{Model: worldModel, InputPerMTok: uint64(i)*1000 + j})
		}
	}
	if n := len(twoPrices(e)); n != 1 {
		t.Errorf("%d pairs", n)
	}
}
