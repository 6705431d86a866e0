package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	patience   = 60 * time.Second
	wide, tall = 1360, 900
	images     = "../../docs/images"
)

// browser is one tab of Chromium, with what it asked for and what went wrong in it.
type browser struct {
	tab context.Context

	mu       sync.Mutex // guards all below
	asked    []string   // addresses of data, in order
	problems []string   // console errors, exceptions, refused loads
}

// findChromium skips the test where there is none, unless FLOTILLA_BROWSER=required.
func findChromium(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const how = "no Chromium on this machine: 'make browser' installs Debian's and runs this test"
	if os.Getenv("FLOTILLA_BROWSER") == "required" {
		t.Fatal(how)
	}
	t.Skip(how)
	return ""
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(findChromium(t)), chromedp.NoSandbox, chromedp.WindowSize(wide, tall),
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	b := &browser{}
	tab, leave := chromedp.NewContext(alloc, chromedp.WithListener(b.hear))
	t.Cleanup(leave)
	b.tab = tab
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	b.size(t, wide, tall)
	return b
}

func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Request.Method == "GET" && strings.Contains(e.Request.URL, "/page/data/") {
			b.asked = append(b.asked, e.Request.URL)
		}
		if !strings.HasPrefix(e.Request.URL, "http://127.0.0.1:") && !strings.HasPrefix(e.Request.URL, "blob:") {
			b.problems = append(b.problems, "asked another host: "+e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, fmt.Sprintf("exception: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			b.problems = append(b.problems, fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.problems = append(b.problems, "log: "+e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// do takes the steps.
func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// choose sets the value of a select or a range as a person does: with its events.
func (b *browser) choose(t *testing.T, selector, value string) {
	t.Helper()
	b.run(t, fmt.Sprintf(`{ const e = document.querySelector(%q); e.value = %q; for (const type of ['input', 'change']) e.dispatchEvent(new Event(type)); }`, selector, value))
}

// run evaluates a statement.
func (b *browser) run(t *testing.T, script string) {
	t.Helper()
	b.do(t, chromedp.Evaluate[chromedp.Void](script))
}

func evaluate[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// open loads an address afresh, without what the tab remembers.
func (b *browser) open(t *testing.T, url string) {
	t.Helper()
	b.do(t, chromedp.Navigate("about:blank"), chromedp.Navigate(url))
}

func (b *browser) text(t *testing.T, expression string) string {
	t.Helper()
	return evaluate[string](t, b, expression)
}

func (b *browser) number(t *testing.T, expression string) float64 {
	t.Helper()
	return evaluate[float64](t, b, expression)
}

func (b *browser) shown(t *testing.T, selector string) string {
	return b.text(t, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => !e.hidden).map((e) => e.innerText).join('\n')`, selector))
}

// see waits until the elements show all of the texts.
func (b *browser) see(t *testing.T, selector string, texts ...string) {
	t.Helper()
	b.await(t, selector, func(s string) string {
		for _, want := range texts {
			if !strings.Contains(s, want) {
				return fmt.Sprintf("%q is not shown", want)
			}
		}
		return ""
	})
}

func (b *browser) gone(t *testing.T, selector, text string) {
	t.Helper()
	b.await(t, selector, func(s string) string {
		if strings.Contains(s, text) {
			return fmt.Sprintf("%q is still shown", text)
		}
		return ""
	})
}

func (b *browser) await(t *testing.T, selector string, problem func(string) string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		s := b.shown(t, selector)
		p := problem(s)
		if p == "" {
			return
		}
		if time.Now().After(deadline) {
			b.shot(t, "failed")
			t.Fatalf("%s in %s:\n%s", p, selector, s)
		}
	}
}

// show opens a view by its tab.
func (b *browser) show(t *testing.T, view string, texts ...string) {
	t.Helper()
	b.do(t, chromedp.Click(fmt.Sprintf(`#tabs a[href="#%s"]`, view)))
	b.see(t, "main", texts...)
}

// view opens a view and checks that it took one request for data.
func (b *browser) view(t *testing.T, view string, texts ...string) {
	t.Helper()
	b.run(t, `location.hash = 'playground'`)
	b.see(t, "main h1", "Playground")
	b.mu.Lock()
	b.asked = nil
	b.mu.Unlock()
	b.show(t, view)
	b.await(t, "#link", func(string) string { // first: the playground may show the same texts
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.asked) == 0 {
			return "no request for the data of " + view
		}
		return ""
	})
	b.see(t, "main", texts...)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) != 1 || !strings.HasSuffix(b.asked[0], "/page/data/"+view) {
		t.Errorf("%s took %d requests for data: %v", view, len(b.asked), b.asked)
	}
}

func (b *browser) size(t *testing.T, width, height int64) {
	t.Helper()
	b.do(t, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(1.5)))
}

// expectErrors takes the errors that a part of the test has meant to happen off the list.
func (b *browser) expectErrors(about string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = slices.DeleteFunc(b.problems, func(p string) bool { return strings.Contains(p, about) })
}

// check fails the test for what went wrong in the page, and for a title that only a script in its data could have set.
func (b *browser) check(t *testing.T, title string) {
	t.Helper()
	if got := b.text(t, "document.title"); strings.Contains(got, title) || got == "1" {
		t.Errorf("text became markup and ran: the title is %q", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		t.Errorf("in the page: %s", p)
	}
}

// shot keeps a picture where FLOTILLA_BROWSER_SHOTS names a folder, for people who work on the page.
func (b *browser) shot(t *testing.T, name string) {
	t.Helper()
	if dir := os.Getenv("FLOTILLA_BROWSER_SHOTS"); dir != "" {
		b.keep(t, filepath.Join(dir, name+".png"))
	}
}

func (b *browser) keep(t *testing.T, file string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// schemes shows every view in light and in dark, and calls keep with the first view open.
func (b *browser) schemes(t *testing.T, keep func(scheme string)) {
	for _, scheme := range []string{"dark", "light"} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		if _, err := chromedp.Call(b.tab, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		for _, view := range []string{"fleet", "spend", "receipts", "playground", "requests"} {
			b.run(t, fmt.Sprintf(`location.hash = %q`, view))
			b.see(t, "main h1", strings.ToUpper(view[:1])+view[1:])
			b.shot(t, scheme+"-"+view)
		}
		b.see(t, ".detail", "Candidates")
		keep(scheme)
		b.size(t, wide, 2300)
		b.shot(t, scheme+"-long")
		b.size(t, wide, tall)
	}
}
