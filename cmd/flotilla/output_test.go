package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestOutputThatIsLost: a command whose output has gone nowhere, as on a full disk, does not end as if all were well.
func TestOutputThatIsLost(t *testing.T) {
	t.Setenv("FLOTILLA_PASSPHRASE", "secret")
	t.Chdir(t.TempDir())
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"key", "op.json"}, full{}, &stderr); code != 2 || !strings.Contains(stderr.String(), errFull.Error()) {
		t.Errorf("exit status %d, stderr %q", code, stderr.String())
	}
}

var errFull = errors.New("no space left on device")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
