package p2p

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errTooLong marks a length prefix over the limit of its place.
var errTooLong = errors.New("message is over the size limit")

// readMessage reads one length-prefixed message of at most limit bytes. It
// returns io.EOF only between messages; memory is allocated after the length
// is known to be within the limit.
func readMessage(r *bufio.Reader, limit int) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err // io.EOF before the first byte, io.ErrUnexpectedEOF inside
	}
	if n > uint64(limit) {
		return nil, fmt.Errorf("%w: %d bytes, limit %d", errTooLong, n, limit)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return body, nil
}

// writeMessage writes one length-prefixed message in a single Write, so that
// it leaves in one packet where it can.
func writeMessage(w io.Writer, body []byte) error {
	_, err := w.Write(append(binary.AppendUvarint(make([]byte, 0, len(body)+binary.MaxVarintLen32), uint64(len(body))), body...))
	return err
}
