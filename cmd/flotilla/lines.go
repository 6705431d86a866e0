package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"flotilla/routing/probe"
)

// maxAnswersBytes bounds an answer file: some hundred answers of some hundred bytes.
const maxAnswersBytes = 64 << 20

// lineFile is a file of JSON lines, each written as soon as it is there: however a run ends, what was paid for is kept,
// and at worst a line is cut short, which the next --resume drops. The file is opened for the first line, so that a run
// that fails at once does not empty that of an earlier one.
type lineFile struct {
	name string
	kept int64 // bytes of an earlier run's lines, which stay
	f    *os.File
}

// resumeLines are the whole lines of an earlier run, and the file to go on with.
func resumeLines[T any](name string) (*lineFile, []T, error) {
	raw, err := readBounded(name, maxAnswersBytes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("resume: %w", err)
	}
	raw = raw[:bytes.LastIndexByte(raw, '\n')+1]
	values, err := probe.ReadLines[T](bytes.NewReader(raw))
	if err != nil {
		return nil, nil, fmt.Errorf("resume %s: %w", name, err)
	}
	return &lineFile{name: name, kept: int64(len(raw))}, values, nil
}

func (l *lineFile) open() error {
	if l.f != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.name), 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	f, err := os.OpenFile(l.name, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	l.f = f
	if err := f.Truncate(l.kept); err != nil {
		return err
	}
	_, err = f.Seek(l.kept, io.SeekStart)
	return err
}

func (l *lineFile) add(v any) error {
	if err := l.open(); err != nil {
		return err
	}
	return probe.WriteLines(l.f, []any{v})
}

// finish ends the file of a run that ended with err. A run that made nothing empties it, one that failed does not.
func (l *lineFile) finish(err error) error {
	if err == nil {
		err = l.open()
	} else if l.f != nil || l.kept > 0 {
		err = fmt.Errorf("%w (what was done is in %s; --resume goes on from there)", err, l.name)
	}
	if l.f == nil {
		return err
	}
	return errors.Join(err, l.f.Close())
}

func writeLines[T any](file string, values []T) error {
	var buf bytes.Buffer
	if err := probe.WriteLines(&buf, values); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := os.WriteFile(file, buf.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
