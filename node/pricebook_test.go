package node

import (
	"testing"
	"time"

	"flotilla/settlement"
)

// The price that was announced last is always taken, however often an operator has announced others within the hour.
func TestNewestPriceIsInTheBook(t *testing.T) {
	var book priceBook
	now := time.Unix(1_800_000_000, 0)
	for seq := range uint64(maxSignedPrices + 64) {
		a := settlement.Advert{Seq: seq, ValidTo: uint64(now.Unix()) + 1800}
		book.add(a.Digest(testDomain), signedOffer{advert: a}, now)
		if _, ok := book.find(a.Digest(testDomain), now); !ok {
			t.Fatalf("price %d is not in the book", seq)
		}
	}
	if len(book.offers) != maxSignedPrices {
		t.Errorf("%d prices in the book, want %d", len(book.offers), maxSignedPrices)
	}
}
