package p2p

import (
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

const (
	// unnamedStream is what a stream is taken to cost that has not said what it is for: its window, see libp2pMemory.
	unnamedStream = 256 << 10
	// waitingUnnamed is what all may: 512 streams, an eighth of libp2pMemory.
	waitingUnnamed = libp2pMemory / 8
)

// boundUnnamed resets streams that have not said what they are for, once there are too many. libp2p gives each 10 s to say it
// and bounds them by peer, but strangers are as many peers as they like. An honest peer says it in the first packet.
func boundUnnamed(net *swarm.Swarm) {
	waits := newWaits(unnamedStream, waitingUnnamed)
	negotiate := net.StreamHandler()
	net.SetStreamHandler(func(s network.Stream) {
		u := &unnamed{Stream: s, wait: waits.begin(s, network.StreamResourceLimitExceeded)}
		defer u.wait.end()
		negotiate(u)
	})
}

// unnamed is a stream that waits for its name.
type unnamed struct {
	network.Stream
	wait *wait
}

// SetProtocol names the stream.
func (u *unnamed) SetProtocol(id protocol.ID) error {
	u.wait.end()
	return u.Stream.SetProtocol(id)
}
