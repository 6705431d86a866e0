// Package pgstore keeps API keys in PostgreSQL, for several gateways behind one balancer.
//
// A request of a key with a budget costs one round trip before its order leaves: its maximum is held there, if it fits, in
// one statement that locks the key's account. So whatever gateways do at the same time, what is spent and held is never
// above the budget. The receipt's amount replaces the hold later, in batches, through an outbox on this gateway's disk;
// until then the larger hold counts. Keys without a budget are not asked for; what they spend goes the same way.
//
// After a crash of the gateway, its outbox and ledger settle what it had under way when it opens again, as with keys on its own disk
// (see package access); orders are settled by receipt id, once, however often they are told. Until it is back its holds
// stay, unless it is silent for Options.Lease: then another gateway frees them. What it had charged and could not tell by
// then still counts when it is back, for spent is the sum of the receipts: that, and only that, can go above a budget.
//
// After a crash of the database nothing is lost that it had acknowledged: holds and charges wait for its disk.
package pgstore
