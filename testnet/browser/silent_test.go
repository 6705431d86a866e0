package browser

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// line is a network between the browser and the gateway that can be cut so that neither end hears of it.
type line struct {
	net.Listener
	cut atomic.Bool
}

func startLine(t *testing.T, to string) *line {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	l := &line{Listener: ln}
	go func() {
		for {
			browser, err := ln.Accept()
			if err != nil {
				return // the test is over
			}
			gateway, err := net.Dial("tcp", to)
			if err != nil {
				_ = browser.Close()
				continue
			}
			go l.carry(gateway, browser)
			go l.carry(browser, gateway)
		}
	}()
	return l
}

func (l *line) carry(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	_, _ = io.Copy(writer{to, &l.cut}, from)
}

type writer struct {
	net.Conn
	cut *atomic.Bool
}

func (w writer) Write(b []byte) (int, error) {
	if w.cut.Load() {
		return len(b), nil
	}
	return w.Conn.Write(b)
}

// hurry makes the page's long waits ten times as short.
const hurry = `{ const real = setTimeout; window.setTimeout = (f, ms, ...more) => real(f, ms > 20_000 ? ms / 10 : ms, ...more); }`

// A gateway whose machine vanished closes nothing: the page says that it is not live, and comes back when the gateway does.
func testSilent(t *testing.T, b *browser, f *fleet) {
	l := startLine(t, strings.TrimSuffix(strings.TrimPrefix(f.URL(), "http://"), "/v1"))
	script, err := chromedp.Call(b.tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: hurry})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_, _ = chromedp.Call(b.tab, page.RemoveScriptToEvaluateOnNewDocument, page.RemoveScriptToEvaluateOnNewDocumentParams(script))
	}()
	b.open(t, "http://"+l.Addr().String()+"/#key="+f.APIKey())
	b.see(t, "#link", "live")
	l.cut.Store(true)
	b.see(t, "#trouble", "cannot be reached")
	b.see(t, "#link", "not live")
	l.cut.Store(false)
	b.await(t, "#link", func(s string) string {
		if s != "live" {
			return "not live again"
		}
		return ""
	})
}
