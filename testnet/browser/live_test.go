package browser

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// A view that is drawn anew while somebody is at it takes neither the focus nor a click.
func testUpdates(t *testing.T, b *browser, f *fleet) {
	b.view(t, "receipts", "Newest receipts")
	ask := func() {
		if status := f.chat("gemma-2-9b-it", "hello", "tokens=8", 7); status != http.StatusOK {
			t.Fatalf("ask: %d", status)
		}
	}
	const link, named = `document.querySelector('table a')`, `document.activeElement.href || document.activeElement.ariaLabel || document.activeElement.tagName`
	for _, at := range []string{link, `[...document.querySelectorAll('.copy')].at(-1)`} {
		b.run(t, at+`.focus()`)
		was, newest := b.text(t, named), b.text(t, link+`.href`)
		ask()
		b.await(t, "table", func(string) string {
			if b.text(t, link+`.href`) == newest {
				return "the new receipt is not shown"
			}
			return ""
		})
		if is := b.text(t, named); is != was {
			t.Errorf("an update took the focus from %s to %s", was, is)
		}
	}
	place := func(side string) float64 {
		return b.number(t, fmt.Sprintf(`{ const r = %s.getBoundingClientRect(); r.%s + 8 }`, link, side))
	}
	x, y, newest := place("left"), place("top"), b.text(t, link+`.hash`)
	button := chromedp.ButtonType(input.MouseButtonLeft)
	b.do(t, chromedp.MouseEvent(chromedp.MousePressed, x, y, button, chromedp.ClickCount(1)))
	ask()
	time.Sleep(2 * time.Second) // an update that is later than this comes after the release: then less is tested, and nothing fails
	b.do(t, chromedp.MouseEvent(chromedp.MouseReleased, x, y, button, chromedp.ClickCount(1)))
	b.see(t, ".detail", "Bill and receipt")
	if at := b.text(t, `location.hash`); at != newest {
		t.Errorf("a click on %s led to %s", newest, at)
	}
}

// A browser has six connections to one gateway for all its tabs: one that nobody sees lets its view go, and opens it when it is seen.
// Headless tabs are never hidden, so this one is told that it is.
func testUnseen(t *testing.T, b *browser, f *fleet) {
	b.view(t, "requests", "Candidates")
	turn := func(hidden bool) {
		b.run(t, fmt.Sprintf(`Object.defineProperty(document, 'hidden', {value: %t, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))`, hidden))
	}
	turn(true)
	if status := f.chat("gemma-2-9b-it", "hello", "tokens=3", 7); status != http.StatusOK {
		t.Fatalf("ask: %d", status)
	}
	turn(false)
	b.await(t, "#link", func(s string) string {
		b.mu.Lock()
		defer b.mu.Unlock()
		if s != "live" || len(b.asked) != 2 {
			return fmt.Sprintf("%s after %d requests for the view, want live after 2", s, len(b.asked))
		}
		return ""
	})
	b.see(t, ".detail", "11 + 3 tokens")
}

// What the gateway sent and the page cannot draw is no gateway that is away.
func testUndrawn(t *testing.T, b *browser) {
	b.run(t, `{ const real = Number.prototype.toLocaleString; window.mend = () => { Number.prototype.toLocaleString = real; };
		Number.prototype.toLocaleString = () => { throw new Error('drawn on purpose'); }; }`)
	b.run(t, `location.hash = 'spend'`)
	b.see(t, "#trouble", "could not draw")
	b.run(t, `window.mend()`)
	b.see(t, "main h1", "Spend")
	b.see(t, "#link", "live")
	b.gone(t, "#trouble", "could not draw")
	b.expectErrors("console")
}
