// Package p2p carries adverts and inference streams between fleet nodes.
//
// It knows peers and bytes. It knows neither prompts nor money: orders,
// receipts and vouchers pass through it as opaque bytes, and the meaning of an
// advert's prices is checked by a function that the node hands in.
//
// # Shape of the network
//
// Gateways listen; operators dial out to gateways and need no listen address,
// so a machine behind a home router can serve. The gateway opens inference
// streams on the connection that the operator made. Nodes learn of one another
// from a bootstrap list, from gateway hellos and from a file of peers kept
// between runs, so a fleet outlives its bootstrap nodes.
//
// # Life of a Host
//
//	host, err := p2p.New(cfg)         // sockets open, protocols answered
//	host.HandleInfer(serve, limits)   // operators only
//	go host.Run(ctx)                  // dials, republishes, syncs, expires
//	defer host.Close()                // waits for every goroutine it started
//
// # Promises
//
//   - [Host.Adverts] is one atomic load on the request path.
//   - An advert in the directory was signed by the peer it names, is unexpired,
//     and has passed [Config.CheckAdvert].
//   - Bytes of one [Incoming.Send] arrive as one [Delta], in order, no gaps.
//   - An inference stream carries one request after another; nothing of one
//     reaches the next.
//   - An operator never runs further ahead of the gateway's acknowledgements
//     than the window of [InferTimers].
//   - Every frame, body, map and queue has a bound; every wait has a deadline.
package p2p
