package localmodels

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// keptLogs bounds the log directory: a fleet of three, some restarts back. A server writes about
	// 5 lines per request, and no prompt.
	keptLogs = 20
	// logTailBytes is how much of the log an error about a failed start looks at.
	logTailBytes = 4096
)

// createLog opens a new log file for a model's server: one per process, because two servers of the
// same model must not write into each other's. It removes the oldest files beyond keptLogs.
func createLog(dir, model string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make log directory: %w", err)
	}
	if old, err := filepath.Glob(filepath.Join(dir, "*.log")); err == nil && len(old) >= keptLogs {
		slices.SortFunc(old, func(a, b string) int { return modified(a).Compare(modified(b)) })
		for _, path := range old[:len(old)-keptLogs+1] {
			_ = os.Remove(path) // it may be gone by now, and the next start tries again
		}
	}
	f, err := os.CreateTemp(dir, model+"-*.log")
	if err != nil {
		return nil, fmt.Errorf("open server log: %w", err)
	}
	return f, nil
}

// modified is a file's time; a file that is gone sorts first.
func modified(path string) time.Time {
	st, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return st.ModTime()
}

// logTail is the last line of the log, for an error message.
func logTail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > logTailBytes {
		if _, err := f.Seek(-logTailBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, logTailBytes))
	if err != nil {
		return err.Error()
	}
	return lastLine(strings.ToValidUTF8(string(b), "?"))
}
