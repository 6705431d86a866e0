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

// An update that waited for a click shows nothing to who forgot the key by it; and no other button holds updates back.
func testHeldUpdates(t *testing.T, b *browser, f *fleet) {
	b.view(t, "receipts", "Newest receipts")
	press := func(selector string, button input.MouseButton) (release func()) {
		r := fmt.Sprintf(`{ const r = document.querySelector(%q).getBoundingClientRect(); `, selector)
		x, y := b.number(t, r+`r.left + 8 }`), b.number(t, r+`r.top + 8 }`)
		b.do(t, chromedp.MouseEvent(chromedp.MousePressed, x, y, chromedp.ButtonType(button), chromedp.ClickCount(1)))
		return func() {
			b.do(t, chromedp.MouseEvent(chromedp.MouseReleased, x, y, chromedp.ButtonType(button), chromedp.ClickCount(1)))
		}
	}
	ask := func() (newest string) {
		const newestReceipt = `document.querySelector('table a').hash`
		newest = b.text(t, newestReceipt)
		if status := f.chat("gemma-2-9b-it", "hello", "tokens=8", 7); status != http.StatusOK {
			t.Fatalf("ask: %d", status)
		}
		return newest
	}
	release := press("main h1", input.MouseButtonRight) // where a menu opens, no release is told
	newest := ask()
	b.await(t, "main", func(string) string {
		if b.text(t, `document.querySelector('table a').hash`) == newest {
			return "no update came while the right button was down"
		}
		return ""
	})
	release()
	release = press("#leave", input.MouseButtonLeft)
	ask()
	time.Sleep(2 * time.Second) // as above: an update that is later tests less
	release()
	b.see(t, ".signin", "API key")
	time.Sleep(100 * time.Millisecond) // what would follow follows at once
	b.see(t, ".signin", "API key")
	b.do(t, chromedp.SendKeys("#key", f.APIKey()+"\r"))
	b.see(t, "main h1", "Receipts")
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
