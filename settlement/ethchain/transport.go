package ethchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

const (
	// maxAnswerBytes bounds one answer: 10,000 blocks full of this contract's events have some MiB.
	maxAnswerBytes = 64 << 20
	// maxRefusalBytes is what is read of an answer that is no success: it goes into errors, and may be a whole page of HTML.
	maxRefusalBytes = 200
)

// dial connects to a node. Over HTTP each question has a deadline of its own and answers are bounded. Errors tell no more of the URL than
// its host: the rest is often a key that the node's owner pays for.
func dial(ctx context.Context, rawURL string) (*ethclient.Client, error) {
	full, err := url.Parse(rawURL)
	if err != nil {
		return nil, ErrNoURL
	}
	switch full.Scheme {
	case "http", "https":
	case "ws", "wss":
		return ethclient.DialContext(ctx, rawURL)
	case "": // a path, or a URL without its beginning
		client, err := ethclient.DialContext(ctx, rawURL)
		if told := (*net.OpError)(nil); errors.As(err, &told) {
			err = fmt.Errorf("no node at that socket (a URL begins with http://, https://, ws:// or wss://): %w", told.Err) // without its name
		}
		return client, err
	default:
		return nil, ErrNoURL
	}
	shown := (&url.URL{Scheme: full.Scheme, Host: full.Host}).String()
	client, err := rpc.DialOptions(ctx, shown, rpc.WithHTTPClient(&http.Client{Timeout: callTimeout, Transport: nodeTransport{full}}))
	if err != nil {
		return nil, err
	}
	return ethclient.NewClient(client), nil
}

// nodeTransport asks the node at its whole URL.
type nodeTransport struct{ full *url.URL }

// RoundTrip implements http.RoundTripper.
func (t nodeTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL = t.full
	resp, err := http.DefaultClient.Do(req) // follows where the node sends it, with the key
	if told := (*url.Error)(nil); errors.As(err, &told) {
		err = told.Err // without the URL
	}
	if err != nil {
		return nil, err
	}
	most := int64(maxAnswerBytes)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		most = maxRefusalBytes
	} else if kind := resp.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
		_ = resp.Body.Close()
		return nil, errors.New("the answer is a web page: this is not the URL of a node's JSON-RPC, or something in front of that refuses")
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, most), resp.Body}
	return resp, nil
}
