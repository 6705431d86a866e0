package testnet

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"flotilla/testnet/localmodels"
)

// A model server that ends by itself is a line in the log; one that is stopped with the fleet is none.
func TestAModelServerThatEndsIsSaid(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the real models")
	}
	dir, err := localmodels.DefaultCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := localmodels.Install(t.Context(), dir, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	server, err := localmodels.Start(t.Context(), localmodels.Config{Paths: paths, Model: localmodels.Gemma3, LogDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	n := &Net{cfg: Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	n.watch(stopped, "cedar", server)
	if log.Len() > 0 {
		t.Errorf("of a fleet that stops: %s", &log)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	n.watch(t.Context(), "cedar", server)
	for _, word := range []string{"cedar", localmodels.Gemma3, server.Log} {
		if !strings.Contains(log.String(), word) {
			t.Errorf("want %s in %q", word, &log)
		}
	}
}
