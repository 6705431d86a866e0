package devchain

import (
	"context"
	"log/slog"

	"github.com/ethereum/go-ethereum/log"
)

// routeLogs sends go-ethereum's process-wide log to logger. Most of the library logs there and nowhere
// else; with two chains in one process, the last one started takes both logs.
func routeLogs(logger *slog.Logger) { log.SetDefault(gethLogger(logger)) }

// gethLogger hides its type from log.SetDefault, which would otherwise also replace slog's default.
func gethLogger(logger *slog.Logger) log.Logger {
	return struct{ log.Logger }{log.NewLogger(levelHandler{logger.Handler().WithAttrs([]slog.Attr{slog.String("from", "geth")})})}
}

// levelHandler lowers what the node calls information to debug: a line for each block is noise here.
type levelHandler struct{ next slog.Handler }

func lowered(level slog.Level) slog.Level {
	switch {
	case level >= log.LevelError:
		return slog.LevelError
	case level >= log.LevelWarn:
		return slog.LevelDebug // "P2P server will be useless", "Served eth_call": expected of such a chain
	default:
		return slog.LevelDebug - 4
	}
}

func (h levelHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, lowered(level))
}

func (h levelHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowered(r.Level)
	return h.next.Handle(ctx, r)
}

func (h levelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelHandler{h.next.WithAttrs(attrs)}
}

func (h levelHandler) WithGroup(name string) slog.Handler {
	return levelHandler{h.next.WithGroup(name)}
}
