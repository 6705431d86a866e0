package backend

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// FuzzSSE: whatever a server streams, events are bounded, the reader ends, and how the bytes are split over reads makes no
// difference.
func FuzzSSE(f *testing.F) {
	for _, s := range []string{
		"data: {\"a\":1}\n\ndata: [DONE]\n\n", "data: a\r\n\r\n", ": comment\n\ndata:x\ndata:y\n\n", "event: e\nid: 1\ndata\n\n", "error: {}\n\n", "data: cut", "\n\n\n",
		"data: " + string(bytes.Repeat([]byte("x"), 100)) + "\n\n", "\r\r\ndata: \xff\xfe\n\n",
	} {
		f.Add([]byte(s))
	}
	const most = 64
	read := func(t *testing.T, r io.Reader) (events []string, err error) {
		s := newSSEReader(r, most)
		for {
			data, err := s.next()
			if err != nil {
				return events, err
			}
			if len(data) > most+1 { // a line break may join it
				t.Fatalf("event of %d bytes, at most %d allowed", len(data), most)
			}
			events = append(events, string(data))
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, err := read(t, bytes.NewReader(stream))
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, errEventTooLong) {
			t.Fatalf("ends with %v", err)
		}
		split, splitErr := read(t, iotest.OneByteReader(bytes.NewReader(stream)))
		if diff := cmp.Diff(whole, split); diff != "" || errors.Is(err, errEventTooLong) != errors.Is(splitErr, errEventTooLong) {
			t.Errorf("read byte by byte: %s, %v and %v", diff, err, splitErr)
		}
	})
}
