package requestlog

import "context"

// Mark is a place in the order in which gateways have written to a log that they share. There is none before 1.
type Mark int64

// Shared is a Store that several gateways write to.
type Shared interface {
	Store
	// Mark is where the log ends now.
	Mark(ctx context.Context) (Mark, error)
	// Others are records that other gateways have written from the mark on, in the order of writing, and where to go on. There
	// are more if they are MaxPage.
	Others(ctx context.Context, from Mark) ([]Record, Mark, error)
}

// Mark is where a log that several gateways share ends now; shared is false where this gateway has its own.
func (l *Log) Mark(ctx context.Context) (m Mark, shared bool, err error) {
	s, shared := l.store.(Shared)
	if !shared {
		return 0, false, nil
	}
	err = l.reading(func() error {
		m, err = s.Mark(ctx)
		return err
	})
	return m, true, err
}

// Others are records that other gateways have written to a shared log from the mark on, in the order of writing, and where to go on.
// There are more if they are MaxPage.
func (l *Log) Others(ctx context.Context, from Mark) (records []Record, end Mark, err error) {
	s, shared := l.store.(Shared)
	if !shared {
		return nil, from, nil
	}
	err = l.reading(func() error {
		records, end, err = s.Others(ctx, from)
		return err
	})
	return records, end, err
}
