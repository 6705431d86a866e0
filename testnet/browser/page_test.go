// Package browser opens the gateway's page in a real browser, in front of a real fleet: gateway, operators over libp2p and a
// development chain. Only the model servers are scripted (node/backend/scripted).
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"flotilla/settlement"
	"flotilla/testnet"
	"flotilla/testnet/fleettest"
)

// hostile is what a page that made markup of its data would run.
const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`

// hostileModel is as hostile, in the bytes that a model may be named with.
const hostileModel = `<img src=x onerror=document.title=1>`

// seller is one operator with one model at one price in µUSD per million tokens, and flat.
type seller struct {
	operator, model string
	price           uint64
	perRequest      uint64 // µUSD
}

// sellers of the fleet; the index knows all models but the hostile one.
var sellers = []seller{
	{"alder", "llama-3.3-nemotron-super-49b-v1", 900_000, 0},
	{"birch", "llama-3.1-nemotron-51b-instruct", 600_000, 0},
	{"cedar", "qwen2.5-7b-instruct", 300_000, 0},
	{"dogwood", "gemma-2-9b-it", 200_000, 0},
	{"elder", "llama-3.1-8b-instruct", 180_000, 0},
	{"fir", "llama-3.1-8b-instruct", 160_000, 0},
}

var mallory = seller{"mallory", hostileModel, 2_000_000, 0}

// longModel has the longest name that an advert may hold, in one word.
var longModel = "wordy-7b-" + strings.Repeat("x", 119)

var nettle = seller{"nettle", longModel, 3_000_155, 12_345}

// constructor has the name of something that each object of JavaScript has.
var constructor = seller{"oak", "constructor", 250_000, 0}

var prompts = []string{
	"What is the capital of Australia, and when was it chosen?",
	"Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips did Natalia sell altogether in April and May?",
	"How many moles of oxygen are needed to burn 2 moles of methane completely?",
	"Write a story about a lighthouse keeper who finds a message in a bottle.",
	"Let x and y be real numbers with x + y = 10 and xy = 21. Find x^2 + y^2.",
	"A patient has chest pain that gets worse when lying down and better when leaning forward. What is the most likely diagnosis?",
	"Which of the following is not a prime number: 17, 23, 51, 61?",
	"There are 4 houses, numbered 1 to 4 from left to right. Each is occupied by a different person with a different drink and pet. " +
		"The person who drinks tea lives directly left of the cat owner. Who owns the fish?",
}

// fleet is a running testnet that the test asks.
type fleet struct {
	*fleettest.Fleet
	t *testing.T
}

func startFleet(t *testing.T, sellers ...seller) *fleet {
	t.Helper()
	var specs []testnet.OperatorSpec
	for _, m := range sellers {
		specs = append(specs, testnet.OperatorSpec{
			Name: m.operator, Model: m.model, URL: fleettest.ModelServer(t, m.model), Price: settlement.Price{InputPerMTok: m.price, OutputPerMTok: m.price, PerRequest: m.perRequest}, Stake: 50_000_000,
		})
	}
	return &fleet{fleettest.Start(t, testnet.Config{AdminListen: "127.0.0.1:0", SettleEvery: time.Hour, Operators: specs}), t}
}

// chat sends one request. The script for the model server stands in a message that the router does not read.
func (f *fleet) chat(model, prompt, script string, dial float64) int {
	f.t.Helper()
	body, err := json.Marshal(map[string]any{
		"model": model, "stream": true, "cost_quality_tradeoff": dial, "max_tokens": 400,
		"messages": []any{map[string]string{"role": "user", "content": prompt}, map[string]string{"role": "system", "content": "@script " + script}},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	status, _ := f.post(f.URL()+"/chat/completions", map[string]string{"Authorization": "Bearer " + f.APIKey()}, body)
	return status
}

// askAll sends the prompts, at various positions of the dial.
func (f *fleet) askAll() {
	f.t.Helper()
	for i, p := range prompts {
		if status := f.chat("auto", p, fmt.Sprintf("tokens=%d delay=2ms", 60+37*i), 7+float64(i%4)/2); status != http.StatusOK {
			f.t.Fatalf("prompt %d: %d", i, status)
		}
	}
}

func (f *fleet) post(url string, headers map[string]string, body []byte) (int, []byte) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// newKey makes an API key at the owner's address.
func (f *fleet) newKey(name string) (secret string) {
	f.t.Helper()
	status, answer := f.post(f.AdminURL()+"/keys", map[string]string{"X-Flotilla-Admin": "1"}, fmt.Appendf(nil, `{"name":%q,"budget_micro_usd":5000000,"reset":"day"}`, name))
	var key struct{ Secret string }
	if err := json.Unmarshal(answer, &key); err != nil || status != http.StatusOK {
		f.t.Fatalf("make a key: %d %s (%v)", status, answer, err)
	}
	return key.Secret
}

// The page shows what a real gateway did, view by view, and is no way in for what strangers write.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a fleet and a browser")
	}
	b := startBrowser(t)
	f := startFleet(t, append(slices.Clone(sellers), mallory, nettle, constructor)...)
	base := strings.TrimSuffix(f.URL(), "/v1")

	t.Run("a key is asked for", func(t *testing.T) {
		b.open(t, base+"/")
		b.see(t, "main", "API key", "flotilla keys create NAME")
		b.do(t, chromedp.SendKeys("#key", "sk-wrong\r"))
		b.see(t, "main", "this gateway does not know the API key")
		b.expectErrors("401")
		b.run(t, `{ const e = document.querySelector('#key'); e.value = 'sk-\u200bwrong'; e.form.requestSubmit(); }`) // copied with what nobody sees
		b.see(t, "main", "characters that no API key has")
		b.open(t, base+"/#key=100%")
		b.see(t, "main", "this gateway does not know the API key")
		b.expectErrors("401")
	})
	t.Run("nothing yet", func(t *testing.T) {
		b.do(t, chromedp.SendKeys("#key", f.APIKey()+"\r"))
		b.see(t, "main", "No requests yet", "Prompts and answers are not kept")
		b.see(t, "#link", "live")
		b.view(t, "spend", "Nothing spent yet")
		b.view(t, "receipts", "No receipts among the newest requests")
		b.run(t, `location.hash = '#requests/100%'`) // what somebody typed is no encoded text
		b.see(t, ".detail", "No such request")
	})

	f.askAll()
	f.chat("gemma-2-9b-it", hostile, "tokens=8", 7)
	f.chat(hostileModel, "hello", "tokens=8", 7)
	f.chat(longModel, "hello", "tokens=8 cut=4", 7)
	f.chat(hostile, "hello", "tokens=8", 7)
	f.chat("auto", "this fails", "status=422", 7)

	t.Run("requests", func(t *testing.T) { testRequests(t, b) })
	t.Run("fleet", func(t *testing.T) { testFleet(t, b) })
	t.Run("spend", func(t *testing.T) { testSpend(t, b) })
	t.Run("receipts", func(t *testing.T) { testReceipts(t, b, f) })
	t.Run("in both schemes", func(t *testing.T) { b.schemes(t, func(string) {}) })
	t.Run("playground", func(t *testing.T) { testPlayground(t, b) })
	t.Run("updates that wait", func(t *testing.T) { testHeldUpdates(t, b, f) })
	t.Run("nobody sees it", func(t *testing.T) { testUnseen(t, b, f) })
	t.Run("what cannot be drawn", func(t *testing.T) { testUndrawn(t, b) })
	t.Run("keys alone", func(t *testing.T) { testKeyboard(t, b) })
	t.Run("narrow", func(t *testing.T) { testNarrow(t, b) })
	t.Run("other keys see nothing", func(t *testing.T) { testOtherKey(t, b, f) })
	t.Run("the owner sees all", func(t *testing.T) { testOwner(t, b, f) })
	t.Run("the gateway is silent", func(t *testing.T) { testSilent(t, b, f) })
	t.Run("the gateway is gone", func(t *testing.T) { testGone(t, b, f) })
	b.check(t, "owned")
}

// The README's pictures: the real router and index, over scripted model servers that have the models' names.
func TestPictures(t *testing.T) {
	if os.Getenv("FLOTILLA_SCREENSHOTS") == "" {
		t.Skip("set FLOTILLA_SCREENSHOTS=1 to make the README's pictures anew")
	}
	b := startBrowser(t)
	f := startFleet(t, sellers...)
	f.askAll()
	settling, ended := context.WithTimeout(t.Context(), patience)
	defer ended()
	if err := f.SettleNow(settling); err != nil {
		t.Fatal(err)
	}
	b.open(t, f.PageURL())
	b.schemes(t, func(scheme string) {
		b.keep(t, filepath.Join(images, map[string]string{"light": "page.png", "dark": "page-dark.png"}[scheme]))
	})
	b.check(t, "owned")
}

func testRequests(t *testing.T, b *browser) {
	b.view(t, "requests", "gemma-2-9b-it", "Predicted quality", "Always best single", "Candidates", "Nearest labelled prompts", "Bill and receipt", "flotilla verify")
	b.see(t, ".requests", "404 model_not_found", hostile, "img-srcx", "named")
	b.see(t, ".candidates", "constructor", "+ $0.012345 a request", "chosen", "llama-3.3-nemotron-super-49b-v1", "llama-3.1-8b-instruct", "USD per Mtok", "Utility")
	b.choose(t, "select", "auto")
	b.gone(t, ".requests", "named")
	b.do(t, chromedp.Click(".request"))
	b.see(t, ".neighbours", "Distance", "#", "predicted for this prompt")
	if n := b.number(t, `document.querySelectorAll('.neighbours tbody tr').length`); n != 8 {
		t.Errorf("%v neighbours, want 8", n)
	}
	if n := b.number(t, `document.querySelectorAll('.neighbours td.cell:not(.none):not(.sum)').length`); n < 8 {
		t.Errorf("%v outcomes of neighbours are shown", n)
	}
	if n := b.number(t, `document.querySelectorAll('.plane .mark').length`); n < 4 {
		t.Errorf("%v models in the plane", n)
	}
	b.choose(t, "select", "failed")
	b.gone(t, ".requests", "named")
	b.do(t, chromedp.Click(`.request`))
	b.see(t, ".detail", "Nothing was charged", "unknown", "The error that the client was given says what to do")
	b.see(t, ".requests", "cut: operator_lost")
	b.run(t, `[...document.querySelectorAll('.request')].find((e) => e.innerText.includes('model_not_found')).click()`)
	b.see(t, ".detail", "Refused: 404 model_not_found", "“auto” chooses")
	b.run(t, `[...document.querySelectorAll('.request')].find((e) => e.innerText.includes('cut:')).click()`)
	b.see(t, ".detail", "The answer broke off: operator_lost. What was delivered is billed.", "a guess")
	b.choose(t, "select", "all")
	testCopy(t, b)
	b.run(t, `location.hash = '#requests/req_that_was_never_made'`)
	b.see(t, ".detail", "No such request", "Show the newest")
	b.gone(t, ".detail", "Every request so far failed")
}

func testFleet(t *testing.T, b *browser) {
	b.view(t, "fleet", "9 of 9", "Stake", "$50.00", "Circuit breaker", "closed", "ready", "0.90", "img-srcx", "not in the index", "General ability", "tokens/s")
	if n := b.number(t, `document.querySelectorAll('.operators .panel').length`); n != float64(len(sellers)+3) {
		t.Errorf("%v operators, want %d", n, len(sellers)+3)
	}
	b.see(t, ".operators", "3.000155", "+ $0.012345 a request") // a signed price is not rounded, and whole
	b.do(t, chromedp.SendKeys("#find", "Llama json"))
	b.see(t, ".find", "4 operators")
	b.gone(t, ".operators", "gemma")
}

func testSpend(t *testing.T, b *browser) {
	b.view(t, "spend", "always the best single model", "it is an estimate", "left out", "By model", "This key", "no limit", "The last 24 hours")
	fits(t, b, "spend")
	if n := b.number(t, `document.querySelectorAll('.plane rect.did').length`); n != 24 {
		t.Errorf("%v hours, want 24", n)
	}
}

func testReceipts(t *testing.T, b *browser, f *fleet) {
	b.view(t, "receipts", "pending", "Save", "flotilla verify")
	fits(t, b, "receipts")
	b.run(t, `document.querySelector('.scroll').focus()`)
	settling, ended := context.WithTimeout(t.Context(), patience)
	defer ended()
	if err := f.SettleNow(settling); err != nil {
		t.Fatal(err)
	}
	b.see(t, "table", "settled", "batch 1") // the view that is open shows it by itself
	b.gone(t, "table", "pending")
	if at := b.text(t, `document.activeElement.ariaLabel || document.activeElement.tagName`); at != "Newest receipts" {
		t.Errorf("an update took the focus from the table to %s", at)
	}
	b.do(t, chromedp.Click("table a"))
	b.see(t, ".detail", "settled", "batch 1", "transaction")
	testUpdates(t, b, f)
}

func testPlayground(t *testing.T, b *browser) {
	b.show(t, "playground", "What would be chosen")
	turn := func(to string) {
		b.choose(t, "#dial", to)
		b.see(t, ".preview", "at dial "+to)
	}
	b.do(t, chromedp.SendKeys("#prompt", hostile+" Prove that the square root of 2 is irrational."))
	b.see(t, ".preview", "at dial 7", "Expected cost", "Always best single")
	b.shot(t, "playground")
	turn("0")
	dear := b.text(t, `document.querySelector('.preview h2').innerText`)
	turn("10")
	if cheap := b.text(t, `document.querySelector('.preview h2').innerText`); cheap == dear {
		t.Errorf("%s at dial 0 and at dial 10", cheap)
	}
	b.do(t, chromedp.SendKeys("#prompt", "\n@script tokens=30 delay=5ms"), chromedp.Click("button.primary"))
	b.see(t, ".answer", "t0 t1 t2", "t29", "tokens", "$0.0000", "see the decision")
	b.do(t, chromedp.Click(".answer a"))
	b.see(t, ".detail", "Bill and receipt")
	b.run(t, `history.back()`)
	b.see(t, ".answer", "t29", "see the decision") // it was paid for, and nothing else keeps it
	b.do(t, chromedp.SetValue("#prompt", "@script tokens=5 think=3"), chromedp.Click("button.primary"))
	b.see(t, ".answer .thought", "t0 t1 t2")
	b.see(t, ".answer", "t3 t4", "see the decision")
	b.do(t, chromedp.SetValue("#prompt", "@script tokens=50 cut=3"), chromedp.Click("button.primary"))
	b.see(t, ".answer", "t2", "operator stopped early")
	b.show(t, "fleet", "Stake")
	b.show(t, "playground", "at dial 10")
	if kept := b.text(t, `document.querySelector('#prompt').value`); kept != "@script tokens=50 cut=3" {
		t.Errorf("another view took the prompt: %q", kept)
	}
}

// The link that skips the tabs goes to the view that is open, and not to another.
func testKeyboard(t *testing.T, b *browser) {
	b.view(t, "fleet", "Stake")
	b.run(t, `document.querySelector('.skip').focus()`)
	b.do(t, chromedp.KeyEvent("\r"))
	b.see(t, "main h1", "Fleet")
	if at := b.text(t, `document.activeElement.id + location.hash`); at != "main#fleet" {
		t.Errorf("the focus is at %s, want the view", at)
	}
}

// nameless lists the parts of a view that a screen reader would have no name for.
const nameless = `[...document.querySelectorAll('button, input, select, textarea, a, [role=img]')]
	.filter((e) => e.offsetParent && !e.innerText && !e.ariaLabel && !e.labels?.length && !e.querySelector('img'))
	.map((e) => e.outerHTML.slice(0, 80)).join('\n')`

// At 380 px nothing has to be scrolled sideways but the tables in their own frames, and everything has a name.
func testNarrow(t *testing.T, b *browser) {
	b.size(t, 380, 800)
	defer b.size(t, wide, tall)
	for _, view := range []string{"requests", "fleet", "spend", "receipts", "playground"} {
		b.run(t, fmt.Sprintf(`location.hash = %q`, view))
		b.see(t, "#tabs a[aria-current]", strings.ToUpper(view[:1])+view[1:])
		b.see(t, "main h1", strings.ToUpper(view[:1])+view[1:])
		if over := b.number(t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
			t.Errorf("%s is %v px too wide: %s", view, over, b.text(t,
				`[...document.querySelectorAll('main *')]
					.filter((e) => !e.parentElement.closest('.scroll') && e.getBoundingClientRect().right > innerWidth)
					.map((e) => e.cloneNode().outerHTML).join(' ')`))
		}
		b.shot(t, "narrow-"+view)
		if view == "requests" {
			b.run(t, `document.querySelector('.request:not([aria-current="true"])').click()`)
			b.await(t, ".request[aria-current=true]", func(string) string {
				return b.text(t, `document.querySelector('.detail h1').getBoundingClientRect().top < innerHeight / 2 ? '' : 'the decision that was asked for is out of sight'`)
			})
		}
		if bare := b.text(t, nameless); bare != "" {
			t.Errorf("%s has parts without a name:\n%s", view, bare)
		}
	}
}

func testOtherKey(t *testing.T, b *browser, f *fleet) {
	key := f.newKey("alice")
	b.run(t, `location.hash = 'playground'`)
	b.see(t, "main h1", "Playground")
	b.run(t, `document.querySelector('#leave').click()`)
	b.run(t, fmt.Sprintf(`location.hash = 'key=%s'`, key)) // in the same tab
	b.see(t, "main", "No requests yet")
	b.run(t, `location.hash = 'playground'`)
	b.see(t, "main h1", "Playground")
	if left := b.text(t, `document.querySelector('#prompt').value + document.querySelector('.answer').textContent`); left != "" {
		t.Errorf("the key before left a prompt or an answer: %q", left)
	}
	b.view(t, "receipts", "No receipts among the newest requests")
	ask := func(model string, want int) {
		body := fmt.Appendf(nil, `{"model":%q,"messages":[{"role":"user","content":"hi"}]}`, model)
		if status, _ := f.post(f.URL()+"/chat/completions", map[string]string{"Authorization": "Bearer " + key}, body); status != want {
			t.Fatalf("a request of the other key for %s: %d, want %d", model, status, want)
		}
	}
	ask("no-such-model", http.StatusNotFound)
	b.view(t, "spend", "1 request, all failed", "Nothing spent yet", "$5.00")
	ask("gemma-2-9b-it", http.StatusOK)
	b.view(t, "requests", "gemma-2-9b-it")
	b.choose(t, "select", "auto")
	b.see(t, ".side", "None of these.")
	b.choose(t, "select", "all")
	b.see(t, ".requests", "gemma-2-9b-it")
	b.gone(t, ".side", "None of these.")
	if at := b.text(t, "location.href"); strings.Contains(at, "key=") {
		t.Errorf("the key stayed in the address: %s", at)
	}
}

func testOwner(t *testing.T, b *browser, f *fleet) {
	b.open(t, f.AdminURL()+"/")
	b.see(t, "#viewer", "owner")
	b.see(t, "main", "gemma-2-9b-it", "422")
	b.view(t, "spend", "all keys", "alice", "$5.00")
	b.view(t, "receipts", "Settling", "Newest settled batch: 1")
	b.show(t, "playground", "an API key")
}

// Where a browser gives no clipboard, as without TLS, what was to be copied is marked, so that the keys copy it.
func testCopy(t *testing.T, b *browser) {
	b.see(t, ".receipt", "Copy")
	b.run(t, `Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true}); document.querySelector('.receipt .copy').click()`)
	b.see(t, ".receipt .copy", "Ctrl+C")
	if marked := b.text(t, `getSelection().toString()`); len(marked) != 66 {
		t.Errorf("marked is %q, want the receipt's whole id", marked)
	}
	b.run(t, `delete navigator.clipboard`)
}

// fits: on a wide screen no table hides its last columns, however long its names are.
func fits(t *testing.T, b *browser, view string) {
	t.Helper()
	if over := b.number(t, `Math.max(...[...document.querySelectorAll('.scroll')].map((e) => e.scrollWidth - e.clientWidth))`); over > 0 {
		t.Errorf("a table of %s is %v px wider than the page", view, over)
	}
}

// What was shown stays, and the page says that it may be old.
func testGone(t *testing.T, b *browser, f *fleet) {
	b.open(t, f.PageURL())
	b.see(t, "main", "gemma-2-9b-it")
	b.show(t, "receipts", "Newest receipts", "gemma-2-9b-it")
	f.Stop()
	b.see(t, "#trouble", "cannot be reached")
	b.see(t, "#link", "not live")
	b.see(t, "main", "gemma-2-9b-it")
	b.do(t, chromedp.Click("td button"))
	b.see(t, "td .problem", "The gateway cannot be reached: see that it runs")
	b.run(t, `location.hash = 'playground'`)
	b.do(t, chromedp.SendKeys("#prompt", "Is anybody there?"))
	b.see(t, ".preview .problem", "The gateway cannot be reached: see that it runs")
	b.expectErrors("ERR_")
}
