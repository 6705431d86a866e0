package main

import (
	"fmt"
	"net/url"
	"strings"
)

// serverURL is the URL of a node or gateway in a flag, without the /v1 that a gateway prints for its clients.
type serverURL string

// UnmarshalText reads an http URL.
func (u *serverURL) UnmarshalText(text []byte) error {
	root := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(string(text)), "/"), "/v1")
	if parsed, err := url.Parse(root); err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
		return fmt.Errorf("%q is no URL of a server: want one such as http://127.0.0.1:8420", text)
	}
	*u = serverURL(root)
	return nil
}
