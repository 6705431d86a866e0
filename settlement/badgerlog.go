package settlement

import (
	"fmt"
	"log/slog"
	"strings"
)

// badgerLog hands Badger's messages to slog. Badger's chatter at "info" is of no use to an operator and
// goes to debug.
type badgerLog struct{ log *slog.Logger }

func (b badgerLog) Errorf(f string, args ...any) {
	b.log.Error("ledger store", "message", badgerText(f, args))
}

func (b badgerLog) Warningf(f string, args ...any) {
	b.log.Warn("ledger store", "message", badgerText(f, args))
}

func (b badgerLog) Infof(f string, args ...any) {
	b.log.Debug("ledger store", "message", badgerText(f, args))
}

func (b badgerLog) Debugf(f string, args ...any) {
	b.log.Debug("ledger store", "message", badgerText(f, args))
}

func badgerText(f string, args []any) string { return strings.TrimSpace(fmt.Sprintf(f, args...)) }
