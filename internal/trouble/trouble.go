// Package trouble logs what is tried again and again, in few lines.
package trouble

import (
	"log/slog"
	"time"
)

// Again is how soon another reason is told: many hold a figure, a gas price or a block, that is another each time.
const Again = 10 * time.Minute

// Trouble is one thing that is tried again and again. The zero value is one that goes well. It belongs to one goroutine.
type Trouble struct {
	told   string // the last reason that was told; empty while it goes well
	toldAt time.Time
}

// Note logs how a try ended, where that is new: that it fails, with the reason; that there has been another one since; and that it goes on.
func (t *Trouble) Note(log *slog.Logger, err error, waits, goesOn string) {
	switch {
	case err == nil && t.told != "":
		log.Info(goesOn)
		t.told = ""
	case err != nil && (t.told == "" || t.told != err.Error() && time.Since(t.toldAt) >= Again):
		log.Warn(waits, "error", err)
		t.told, t.toldAt = err.Error(), time.Now()
	}
}
