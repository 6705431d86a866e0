package p2p

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Bounds of the peers file.
const (
	maxKeptPeers     = 128
	maxKeptFileBytes = 2 << 20 // what save writes at most: each byte of an address may become six in JSON
	keptPeerAge      = 30 * 24 * time.Hour
	keptRefresh      = 10 * time.Minute // precision of LastSeen
)

// keptPeer is one entry of the peers file.
type keptPeer struct {
	ID       string    `json:"id"`
	Addrs    []string  `json:"addrs"`
	LastSeen time.Time `json:"last_seen"`
	Met      bool      `json:"met,omitempty"` // it was dialled there; else it was the one that dialled, and said so

	info peer.AddrInfo // the same, parsed
}

// parse fills info; false means that the entry cannot be dialled.
func (k *keptPeer) parse() bool {
	id, err := peer.Decode(k.ID)
	if err != nil {
		return false
	}
	k.info = peer.AddrInfo{ID: id}
	for _, text := range k.Addrs[:min(len(k.Addrs), MaxAdvertAddrs)] {
		if a, err := multiaddr.NewMultiaddr(text); err == nil && manet.IsThinWaist(a) { // a name in an edited file is not looked up
			k.info.Addrs = append(k.info.Addrs, a)
		}
	}
	return len(k.info.Addrs) > 0
}

// peersFile remembers addresses of peers between runs.
type peersFile struct {
	path string // empty: memory only
	now  func() time.Time

	mu    sync.Mutex // guards peers and dirty
	peers map[PeerID]keptPeer
	dirty bool
}

// loadPeersFile reads the file; a missing one is an empty one. Entries that
// cannot be read are dropped: the file is a cache.
func loadPeersFile(path string, now func() time.Time) (*peersFile, error) {
	f := &peersFile{path: path, now: now, peers: make(map[PeerID]keptPeer)}
	if path == "" {
		return f, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open peers file: %w", err)
	}
	if info.Size() > maxKeptFileBytes {
		return nil, fmt.Errorf("open peers file %s: %d bytes, limit %d; delete it, it is only a cache", path, info.Size(), maxKeptFileBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read peers file: %w", err)
	}
	var kept []keptPeer
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fmt.Errorf("read peers file %s: %w; delete it, it is only a cache", path, err)
	}
	for _, k := range kept[:min(len(kept), maxKeptPeers)] {
		if k.parse() && now().Sub(k.LastSeen) < keptPeerAge {
			f.peers[k.info.ID] = k
		}
	}
	return f, nil
}

// note remembers that a peer was reachable at addrs just now, or, unless it was met there, said so.
func (f *peersFile) note(id PeerID, addrs []multiaddr.Multiaddr, met bool) {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a multiaddr.Multiaddr) bool {
		return len(a.String()) > maxAddrBytes || !manet.IsThinWaist(a)
	})
	slices.SortFunc(addrs, func(a, b multiaddr.Multiaddr) int { return a.Compare(b) })
	addrs = mostDialable(slices.CompactFunc(addrs, multiaddr.Multiaddr.Equal))
	if len(addrs) == 0 {
		return // a node that only dials out cannot be redialled
	}
	if f.knows(id, addrs, met) {
		return
	}
	k := keptPeer{
		ID: id.String(), LastSeen: f.now().UTC().Truncate(time.Second), Met: met,
		info: peer.AddrInfo{ID: id, Addrs: addrs},
	}
	for _, a := range addrs {
		k.Addrs = append(k.Addrs, a.String())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.peers[id] = k
	f.dirty = true
	if len(f.peers) > maxKeptPeers {
		f.trim()
	}
}

// knows says whether the peer was noted at these addresses lately, so that a
// quiet fleet does not rewrite the file every few seconds.
func (f *peersFile) knows(id PeerID, addrs []multiaddr.Multiaddr, met bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	k, known := f.peers[id]
	return known && k.Met == met && f.now().Sub(k.LastSeen) < keptRefresh &&
		slices.EqualFunc(k.info.Addrs, addrs, func(a, b multiaddr.Multiaddr) bool { return a.Equal(b) })
}

// met says whether this node has dialled the peer at the address, and found it there.
func (f *peersFile) met(id PeerID, at multiaddr.Multiaddr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.peers[id]
	return k.Met && slices.ContainsFunc(k.info.Addrs, at.Equal)
}

// trim forgets the peer seen longest ago. The caller holds mu.
func (f *peersFile) trim() {
	var oldest PeerID
	for id, k := range f.peers {
		if oldest == "" || k.LastSeen.Before(f.peers[oldest].LastSeen) {
			oldest = id
		}
	}
	delete(f.peers, oldest)
}

// list returns the kept peers, most recently seen first.
func (f *peersFile) list() []peer.AddrInfo {
	f.mu.Lock()
	kept := f.sorted()
	f.mu.Unlock()
	infos := make([]peer.AddrInfo, 0, len(kept))
	for _, k := range kept {
		infos = append(infos, k.info)
	}
	return infos
}

// sorted returns the entries, most recently seen first. The caller holds mu.
func (f *peersFile) sorted() []keptPeer {
	kept := make([]keptPeer, 0, len(f.peers))
	for _, k := range f.peers {
		kept = append(kept, k)
	}
	slices.SortFunc(kept, func(a, b keptPeer) int {
		return cmp.Or(b.LastSeen.Compare(a.LastSeen), cmp.Compare(a.ID, b.ID))
	})
	return kept
}

// save writes the file if anything changed. A crash leaves the old file or the new one.
func (f *peersFile) save() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" || !f.dirty {
		return nil
	}
	text, err := json.MarshalIndent(f.sorted(), "", " ")
	if err != nil {
		return fmt.Errorf("encode peers file: %w", err)
	}
	if err := writeFileAtomic(f.path, append(text, '\n')); err != nil {
		return fmt.Errorf("write peers file: %w", err)
	}
	f.dirty = false
	return nil
}
