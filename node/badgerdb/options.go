// Package badgerdb says how a node opens its small databases: API keys, the request log, the outbox of a shared store.
package badgerdb

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Options of a database with memtables of so many bytes, of which a transaction may take 15 %, one writer, and no row larger
// than 10 %. Its memory stays small (docs/decisions/0014). Writes reach the kernel at once, and the disk when Sync is called.
// An error: the directory cannot be read.
func Options(dir string, memtable int64) (badger.Options, error) {
	size, err := memtableFor(dir, memtable)
	if err != nil {
		return badger.Options{}, err
	}
	opts := badger.DefaultOptions(dir).
		WithSyncWrites(false).
		WithDetectConflicts(false).
		WithMemTableSize(size).
		WithValueThreshold(memtable / 10).
		WithBaseTableSize(memtable).
		WithNumMemtables(2).
		WithBlockCacheSize(2 * memtable).
		WithIndexCacheSize(2 * memtable).
		WithValueLogFileSize(4 << 20).
		WithCompression(options.None). // tables being built stay in memory, eight at a time, and compressing takes as much again
		WithNumCompactors(2).
		WithLogger(nil)
	opts.TableSizeMultiplier = 1
	return opts, nil
}

// memtableFor is least, or as large as what an earlier version has left: the log of a memtable, a file of twice its size, is
// read back into a memtable when the process was killed, and Badger ends the process when it does not fit.
func memtableFor(dir string, least int64) (int64, error) {
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	for _, name := range logs {
		info, err := os.Stat(name)
		if err != nil {
			return 0, fmt.Errorf("look at the database's logs: %w", err)
		}
		least = max(least, info.Size()/2)
	}
	return least, err
}
