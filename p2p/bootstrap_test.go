package p2p_test

import (
	"strings"
	"testing"
	"time"

	"flotilla/p2p"
	"flotilla/p2p/simtest"
)

// TestDeadBootstrapIsTold: an owner whose bootstrap address is wrong learns why nobody asks, once, and nothing of a gateway that is there.
func TestDeadBootstrapIsTold(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		log := &dialLog{}
		there := f.Start(p2p.Config{Role: p2p.RoleGateway})
		gone := f.Start(p2p.Config{Role: p2p.RoleGateway})
		f.Stop(gone)
		f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{there.Addr, gone.Addr}, Logger: log.logger()})
		time.Sleep(10 * time.Minute)
		if n := log.count("cannot be reached"); n != 1 {
			t.Errorf("told %d times, want once", n)
		}
		if id := gone.ID().String(); log.count(`tried until it can" peer=`+id) != 1 {
			t.Errorf("not told that it is %s", id)
		}
	})
}

func (d *dialLog) count(text string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), text)
}
