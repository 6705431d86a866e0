package access_test

import (
	"context"
	"testing"

	"flotilla/node/access"
	"flotilla/node/access/accesstest"
)

// Run with -race: a key may be revoked while a receipt is charged to it.
func TestChargeWhileRevoked(t *testing.T) {
	s := open(t, t.TempDir(), access.Options{})
	for i := range byte(20) {
		_, k := accesstest.Create(t, s, access.Terms{Budget: 100})
		h, err := s.Hold(context.Background(), k.ID, access.Receipt{i}, 10)
		if err != nil {
			t.Fatal(err)
		}
		revoked := make(chan error, 1)
		go func() {
			_, err := s.Revoke(context.Background(), k.ID, false)
			revoked <- err
		}()
		if err := h.Charge(5); err != nil {
			t.Error(err)
		}
		if err := <-revoked; err != nil {
			t.Error(err)
		}
	}
}
