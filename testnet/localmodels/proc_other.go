//go:build !linux

package localmodels

import (
	"errors"
	"os"
	"os/exec"
)

// ownGroup does nothing here: there is no death signal outside Linux. The server still ends with
// its parent, because it watches its stdin.
func ownGroup(*exec.Cmd) {}

// killGroup kills the process alone; the server starts no children.
func killGroup(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
