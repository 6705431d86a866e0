package trouble_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/internal/trouble"
)

func TestFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var it trouble.Trouble
		try := func(err error) {
			it.Note(slog.New(slog.NewTextHandler(&out, nil)), err, "waits", "goes on")
			time.Sleep(time.Minute)
		}
		lines := func(waits, goesOn int) {
			t.Helper()
			if text := out.String(); strings.Count(text, "waits") != waits || strings.Count(text, "goes on") != goesOn {
				t.Fatalf("want %d and %d lines, got:\n%s", waits, goesOn, text)
			}
		}
		try(nil)
		lines(0, 0)
		for range 60 {
			try(errors.New("down"))
		}
		lines(1, 0)
		for i := range 60 { // another price each minute
			try(fmt.Errorf("base fee %d", i))
		}
		lines(1+6, 0)
		try(nil)
		try(nil)
		lines(1+6, 1)
		try(errors.New("down"))
		lines(1+6+1, 1)
	})
}
