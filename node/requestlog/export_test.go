package requestlog

import "context"

// Tidy does what the writer does every ten minutes. For tests that write nothing meanwhile.
func (l *Log) Tidy(ctx context.Context) error { return l.store.Tidy(ctx) }
