package backend

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// sseReader reads server-sent events one at a time, on demand and in bounded memory. (go-sse, which we depend on for
// nothing, hands events to a callback and takes a clean end of file for a complete stream; here the caller pulls and
// must tell the two apart.)
type sseReader struct {
	r     *bufio.Reader
	max   int
	buf   []byte
	begun bool // the first line has been read
}

// errEventTooLong is not a truncation: the server is broken or hostile.
var errEventTooLong = errors.New("event is longer than allowed")

func newSSEReader(r io.Reader, maxEvent int) *sseReader {
	return &sseReader{r: bufio.NewReaderSize(r, 8<<10), max: maxEvent}
}

// next returns the data of the next event, joined by newlines if it came in several lines. Comments, ids and event
// names are skipped. Data that is not followed by an empty line was cut and is not returned: it gives io.EOF like any
// other end. The result is valid until the next call.
func (s *sseReader) next() ([]byte, error) {
	s.buf = s.buf[:0]
	have := false
	for {
		line, err := s.line()
		if err != nil {
			return nil, err
		}
		if !s.begun { // a stream may start with a byte order mark
			s.begun, line = true, bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) == 0 {
			if have {
				return s.buf, nil
			}
			continue
		}
		value, ok := fieldValue(line)
		if !ok {
			continue
		}
		if have {
			s.buf = append(s.buf, '\n')
		}
		if len(s.buf)+len(value) > s.max {
			return nil, fmt.Errorf("%w (%d bytes)", errEventTooLong, s.max)
		}
		s.buf = append(s.buf, value...)
		have = true
	}
}

// fieldValue takes the value of a data line; also of "error:" lines, which llama.cpp's older servers send.
func fieldValue(line []byte) ([]byte, bool) {
	value, ok := bytes.CutPrefix(line, []byte("data:"))
	if !ok {
		if value, ok = bytes.CutPrefix(line, []byte("error:")); !ok {
			return nil, false
		}
		value = append(append([]byte(`{"error":`), value...), '}')
	}
	return bytes.TrimPrefix(value, []byte(" ")), true
}

// line returns one line without its end (LF or CRLF).
func (s *sseReader) line() ([]byte, error) {
	line, err := s.r.ReadSlice('\n')
	if err == nil {
		return trimLine(line), nil
	}
	if !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	long := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(long) > s.max {
			return nil, fmt.Errorf("%w (%d bytes)", errEventTooLong, s.max)
		}
		line, err = s.r.ReadSlice('\n')
		long = append(long, line...)
	}
	if err != nil {
		return nil, err
	}
	return trimLine(long), nil
}

func trimLine(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}
