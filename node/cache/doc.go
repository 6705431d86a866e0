// Package cache keeps answers that a gateway may give again: to the same request, or to one that asks the same in other
// words. It knows neither operators nor money. Each API key has a shelf of its own, and nothing is ever found on another's.
//
// Everything is in memory and bounded, in entries and in bytes, for a key and for all together; what is used longest ago
// goes first. A restart begins with nothing. Requests are kept as hashes and, where another wording may find them, as a
// vector; answers as they came.
package cache
