package p2p

import (
	"bufio"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// frameStream reads and writes frames on a libp2p stream. Reads belong to one
// goroutine; writes may come from several.
type frameStream struct {
	stream       network.Stream
	codec        frameCodec
	r            *bufio.Reader
	writeTimeout time.Duration

	writeMu sync.Mutex // one frame at a time
}

// newFrameStream wraps a stream.
func newFrameStream(s network.Stream, c frameCodec, writeTimeout time.Duration) *frameStream {
	return &frameStream{stream: s, codec: c, r: bufio.NewReaderSize(s, 8<<10), writeTimeout: writeTimeout}
}

// read reads the next frame under the stream's read deadline.
func (f *frameStream) read() (frame, error) { return f.codec.read(f.r) }

// write writes frames back to back in one Write, within the write timeout.
func (f *frameStream) write(frames ...frame) error {
	var out []byte
	for _, one := range frames {
		raw, err := f.codec.encode(one)
		if err != nil {
			return err
		}
		if out == nil {
			out = raw
		} else {
			out = append(out, raw...)
		}
	}
	f.writeMu.Lock()
	defer f.writeMu.Unlock()
	if err := f.stream.SetWriteDeadline(time.Now().Add(f.writeTimeout)); err != nil {
		return err
	}
	_, err := f.stream.Write(out)
	return err
}
