package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A refusal is told in the words of who refused, not as the JSON or HTTP that they came in.
func TestRefusalsAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		answer string
		want   string
	}{
		"gateway": {
			[]string{"route", "hello", "--api-key", "bad", "--gateway"}, `{"error":{"message":"this gateway does not know the API key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`,
			"flotilla: the gateway says: this gateway does not know the API key\n",
		},
		"node":  {[]string{"keys", "revoke", "key_0", "--admin"}, `{"error":"not found: no such API key: key_0"}`, "flotilla: the node says: not found: no such API key: key_0\n"},
		"proxy": {[]string{"route", "hello", "--api-key", "k", "--gateway"}, "<h1>go away</h1>", "flotilla: the gateway says 403 Forbidden: <h1>go away</h1>\n"},
		"page":  {[]string{"keys", "list", "--admin"}, "<h1>go away</h1>", "flotilla: the node says 403 Forbidden: <h1>go away</h1>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, c.answer)
			}))
			defer server.Close()
			t.Chdir(t.TempDir())
			var stderr strings.Builder
			if code := run(t.Context(), append(c.args, server.URL), io.Discard, &stderr); code != 1 || stderr.String() != c.want {
				t.Errorf("exit status %d, stderr %q, want %q", code, stderr.String(), c.want)
			}
		})
	}
}

// Who names a gateway's API for its administration, or that for the API, is told which is which.
func TestTheWrongAddressIsTold(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/keys" { // as net/http says it at the administration's address
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":{"message":"unknown address: GET /keys","type":"invalid_request_error","param":null,"code":"unknown_url"}}`)
	}))
	defer server.Close()
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"keys", "list", "--admin", server.URL}, "flotilla: " + server.URL + " is not where a node is administered (it says 404 Not Found): give --admin the URL that a gateway prints as admin, of the address in --admin-listen\n"},
		{[]string{"route", "hello", "--api-key", "k", "--gateway", server.URL}, "flotilla: the gateway says 404 Not Found: 404 page not found (is " + server.URL + " a gateway's API? Its administration is at another address, --admin-listen)\n"},
	} {
		var stderr strings.Builder
		if code := run(t.Context(), c.args, io.Discard, &stderr); code != 1 || stderr.String() != c.want {
			t.Errorf("exit status %d, stderr %q, want %q", code, stderr.String(), c.want)
		}
	}
}
