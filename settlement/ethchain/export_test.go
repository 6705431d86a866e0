package ethchain

// SetScanBlocks makes c read events in pieces of n blocks.
func SetScanBlocks(c *Chain, n uint64) { c.scanBlocks = n }
