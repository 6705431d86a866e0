package ethchain

// SetMostOperators makes c remember n operators at most.
func SetMostOperators(c *Chain, n int) { c.operators.most = n }

// SetScanBlocks makes c read events in pieces of n blocks.
func SetScanBlocks(c *Chain, n uint64) { c.scanBlocks = n }
