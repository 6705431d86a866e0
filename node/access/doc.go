// Package access keeps a gateway's API keys: who may call, how fast, which models, and for how much money.
//
// A key's secret is 256 random bits, shown once; only its SHA-256 is stored. What a request may cost at most is held
// before its order leaves the gateway and replaced by the exact amount of its receipt, so a key never spends more than
// its budget, not even with requests in parallel.
//
// After a crash. A hold is written before the order leaves and removed in the transaction that adds the receipt's
// amount to what was spent. So kill -9 leaves either the hold, which Open settles by what the ledger says of that
// receipt, or the finished sum: spent is the sum of the receipts, each once. Holds do not wait for the disk (the ledger
// already does, once a request); Run flushes them every second, so a power cut, and only that, may forget the spending
// of the last second. Keys themselves are on disk when Create and Revoke return.
package access
