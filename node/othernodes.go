package node

import (
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/prometheus/client_golang/prometheus"

	"flotilla/p2p"
)

// tellOthersEvery is how often an operator is told of another node of its account again, while there is one.
const tellOthersEvery = time.Hour

// OtherNode is a live advertisement under an operator's account that this node did not make.
type OtherNode struct {
	Peer  string    `json:"peer"`
	Until time.Time `json:"until"` // when its prices end, unless it signs new ones
	// Copy: it has this node's own identity, as a copy of its whole data directory has.
	Copy bool `json:"copy"`
}

// Trouble says what is wrong with it and what to do.
func (n OtherNode) Trouble() string {
	if n.Copy {
		return "a copy of this node runs, with its identity and its key: stop one of them now, before both sign a price under one number, which costs stake; " +
			"a second machine gets a data directory and an account of its own (flotilla key)"
	}
	return "another node serves under this account: a gateway's vouchers are one total for both, so one that is not honest shows one payment to both " +
		"and has half for nothing; give each node an account of its own (flotilla key), or stop one; a node that has moved here leaves prices that end by themselves"
}

// others returns the account's live advertisements that are not this node's own, in order of peer.
func (o *Operator) others() []OtherNode {
	out := []OtherNode{}
	own := o.announced.Load()
	for _, a := range o.fleet.Adverts() {
		copied := a.Peer == o.fleet.ID()
		if common.Address(a.Operator) != o.self || copied && (own == 0 || a.Seq <= own) { // before the first of its own, the last of its last run
			continue
		}
		out = append(out, OtherNode{Peer: a.Peer.String(), Until: time.Unix(int64(a.ValidTo), 0).UTC(), Copy: copied})
	}
	return out
}

// tellOthers logs each other node of the account when it comes, and from time to time while it stays. told is when it was logged last.
func (o *Operator) tellOthers(told map[string]time.Time, now time.Time) {
	live := make(map[string]bool)
	for _, n := range o.others() {
		live[n.Peer] = true
		if at, known := told[n.Peer]; known && now.Sub(at) < tellOthersEvery {
			continue
		}
		told[n.Peer] = now
		o.log.Warn(n.Trouble(), "account", o.self, "peer", n.Peer, "prices_end", n.Until)
	}
	for peer := range told {
		if !live[peer] {
			delete(told, peer)
			o.log.Info("the other node of this account advertises no more", "account", o.self, "peer", peer)
		}
	}
}

// otherNodes are those that advertise under the operator's account beside peer, as their adverts name them.
func otherNodes(adverts []p2p.Advert, operator common.Address, peer p2p.PeerID) (nodes []common.Hash) {
	for _, a := range adverts {
		if a.Operator == operator && a.Peer != peer {
			nodes = append(nodes, nodeHash(a.Peer))
		}
	}
	return nodes
}

// othersMetric counts the other nodes of an operator's account.
type othersMetric struct{ others func() []OtherNode }

var accountNodes = desc("operator_other_nodes", "Other nodes that advertise under this operator's account now; 0 is as it should be.")

// Describe implements prometheus.Collector.
func (othersMetric) Describe(ch chan<- *prometheus.Desc) { ch <- accountNodes }

// Collect implements prometheus.Collector.
func (m othersMetric) Collect(ch chan<- prometheus.Metric) {
	gauge(ch, accountNodes, float64(len(m.others())))
}
