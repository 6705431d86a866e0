package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progressBar draws how far a long command is, on one line of a terminal; elsewhere it draws nothing. Not safe for
// concurrent use.
type progressBar struct {
	w     io.Writer // nil: no terminal
	drawn time.Time
}

const (
	barCells    = 30
	barInterval = 100 * time.Millisecond
)

func newProgressBar(w io.Writer) *progressBar {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &progressBar{w: w}
	}
	return &progressBar{}
}

// show draws at most ten times a second.
func (b *progressBar) show(stage string, done, total int) {
	if b.w == nil || total == 0 || time.Since(b.drawn) < barInterval {
		return
	}
	b.drawn = time.Now()
	full := barCells * done / total
	fmt.Fprintf(b.w, "\r\033[K%s%s %3d %% %s", strings.Repeat("█", full), strings.Repeat("░", barCells-full), 100*done/total, stage)
}

// clear leaves the line empty.
func (b *progressBar) clear() {
	if b.w != nil {
		fmt.Fprint(b.w, "\r\033[K")
	}
}

// above writes what is written to w where the bar is, which is drawn anew below it.
func (b *progressBar) above(w io.Writer) io.Writer { return aboveBar{b, w} }

type aboveBar struct {
	bar *progressBar
	w   io.Writer
}

func (a aboveBar) Write(p []byte) (int, error) {
	a.bar.clear()
	return a.w.Write(p)
}
