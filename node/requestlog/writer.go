package requestlog

import (
	"context"
	"time"
)

// write runs until the queue is closed and empty.
func (l *Log) write() {
	defer close(l.done)
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	for {
		select {
		case r, open := <-l.queue:
			if !open {
				return
			}
			l.keep(l.batch(r))
		case written := <-l.barrier:
			for n := len(l.queue); n > 0; { // more may come meanwhile; they need not be waited for
				r, open := <-l.queue
				if !open {
					break
				}
				batch := l.batch(r)
				n -= len(batch)
				l.keep(batch)
			}
			close(written)
		case <-tidy.C:
			l.tidy()
		}
	}
}

// batch is first and what else is queued.
func (l *Log) batch(first *Record) []Record {
	batch := []Record{*first}
	for len(batch) < maxBatch {
		select {
		case r, open := <-l.queue:
			if !open {
				return batch
			}
			batch = append(batch, *r)
		default:
			return batch
		}
	}
	return batch
}

func (l *Log) tidy() {
	ctx, cancel := context.WithTimeout(l.tidying, tidyTimeout)
	defer cancel()
	if err := l.store.Tidy(ctx); err != nil {
		l.opts.Logger.Warn("tidy request log", "err", err)
	}
}

func (l *Log) keep(batch []Record) {
	if err := l.store.Write(l.writing, batch); err != nil {
		l.dropped.Add(uint64(len(batch)))
		l.opts.Logger.Error("write request log", "records", len(batch), "err", err)
		return
	}
	l.kept.Add(1)
}
