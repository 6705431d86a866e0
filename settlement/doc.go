// Package settlement proves what was served and pays for it.
//
// A request leaves four signed statements behind, all EIP-712 messages under one [Domain]:
// the operator's [Advert] (a binding price), the gateway's [Order] (permission to charge up to a
// limit), the [Receipt] (what was served; signed by the operator first, then by the gateway) and the
// gateway's [Voucher] (the running total owed on one payer-payee lane; the only thing that moves
// money). Receipts are gathered into a [Batch], whose Merkle root is anchored on chain together with
// the new lane totals.
//
// [Ledger] keeps all of this on disk and decides what may be signed; [Settler] takes accepted receipts
// to the chain exactly once; [Verify] lets a stranger check one [Bundle] from the chain and the bundle
// alone. [Chain] is the only door to a blockchain: settlement/ethchain implements it over an Ethereum
// client, settlement/memchain in memory.
//
// The promise: what [Ledger.AcceptReceipt] has returned is durable, is settled once, and can be
// verified without trusting this program. Amounts are integers; there is no floating point here.
package settlement
