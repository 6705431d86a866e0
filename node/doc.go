// Package node joins the three siblings — p2p (who is there), routing (who should answer) and settlement (who is
// owed) — into a running gateway or operator. It is the only package that knows all three.
//
// The path a newcomer reads: [Open] wires a node; [Gateway.Complete] takes one request from the HTTP surface
// (node/openai), asks the router for the cheapest capable operator, sends a signed order over libp2p and streams the
// answer back; [Operator.Serve] is the other end; both leave a receipt in their ledgers, and the gateway's settler
// brings the receipts on chain.
package node
