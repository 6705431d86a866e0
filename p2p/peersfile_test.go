package p2p_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"

	"flotilla/p2p"
)

// TestPeersFileStaysReadable: whatever addresses peers claim, the file that a node has written it can read again.
func TestPeersFileStaysReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	var ids []p2p.PeerID
	for range 130 {
		ids = append(ids, mustPeerID(t, newIdentity(t)))
	}
	for name, dns := range map[string]string{"long": strings.Repeat("a", 8<<10), "escaped": strings.Repeat("\x01", 240)} {
		t.Run(name, func(t *testing.T) {
			addr, err := multiaddr.NewMultiaddr("/dns4/" + dns + "/tcp/4001")
			if err != nil {
				t.Fatal(err)
			}
			addrs := []multiaddr.Multiaddr{addr, addr, addr, addr, addr, addr, addr, addr}
			if err := p2p.KeepPeers(path, p2p.Config{}, ids, addrs); err != nil {
				t.Fatal(err)
			}
			if _, err := p2p.LoadPeersFile(path, p2p.Config{}); err != nil {
				t.Error(err)
			}
		})
	}
}
