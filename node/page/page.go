// Package page is what a person sees at a gateway's address in a browser: requests with the decision behind each, the
// fleet, the spend beside what always asking the best single model would have cost, receipts, and a playground.
//
//	GET /                     the page; its files are under /page/
//	GET /page/data/requests   newest requests, and the decision behind one (?open=ID, else the newest answer)
//	GET /page/data/fleet      who offers what, and how they have done
//	GET /page/data/spend      sums
//	GET /page/data/receipts   newest receipts and how far each has come
//	GET /page/data/receipt    one receipt (?id=), as 'flotilla verify' reads it
//
// The files say nothing of the gateway and are open to all. The data is for a viewer: an API key sees its own requests,
// the owner sees all. A view is one request: asked for as text/event-stream, it is sent again whenever it has changed.
// There are no cookies, so no other site can ask in a viewer's name.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed files
var files embed.FS

const (
	filePath = "/page/"
	dataPath = "/page/data/"
	// maxStreams bounds the views that are open at once: each costs a look every second, see stream.
	maxStreams = 64
	// maxKeyStreams are open for one API key, so that no key takes the page from the others.
	maxKeyStreams = 16

	writeTimeout = 10 * time.Second
	maxKeyBytes  = 512
)

// policy lets the page load its own files and talk to its own origin, and nothing else: no inline script or style, no
// other host, no frame around it, and no string becomes markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Viewer is who looks.
type Viewer struct {
	Key   string `json:"key,omitempty"` // the API key's id
	Owner bool   `json:"owner,omitempty"`
}

// Sees says whether the viewer may see what was done with the key.
func (v Viewer) Sees(key string) bool { return v.Owner || v.Key == key }

// Refusal is why a viewer gets no data, or not this; it is told to them.
type Refusal struct {
	Status     int
	Message    string
	RetryAfter time.Duration
}

func (r *Refusal) Error() string { return r.Message }

// Config of a Handler.
type Config struct {
	Views Views
	// Keys admits the viewer behind an API key; nil makes this the owner's door, where nobody is asked for one. That may
	// only listen on loopback, by loopback's names. A *Refusal is told to the caller; of any other error, nothing.
	Keys func(ctx context.Context, secret string) (Viewer, error)
	// API is host:port of the gateway's API: where the owner's door sends people to for the playground.
	API    string
	Logger *slog.Logger
}

// Handler serves / and /page/. It is safe for concurrent use.
type Handler struct {
	cfg     Config
	files   map[string]file // by path
	closing chan struct{}
	once    sync.Once

	mu      sync.Mutex     // guards all below; held for map work only
	streams map[Viewer]int // views that are open
	open    int            // all of them
}

type file struct {
	body      []byte
	kind, tag string
}

// New returns the page.
func New(cfg Config) (*Handler, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{cfg: cfg, files: map[string]file{}, streams: map[Viewer]int{}, closing: make(chan struct{})}
	list, err := files.ReadDir("files")
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	for _, entry := range list {
		body, err := files.ReadFile("files/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read the page: %w", err)
		}
		at := filePath + entry.Name()
		if entry.Name() == "index.html" {
			at, body = "/", h.atDoor(body)
		}
		sum := sha256.Sum256(body)
		h.files[at] = file{body: body, kind: mime.TypeByExtension(path.Ext(entry.Name())), tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
	}
	return h, nil
}

// atDoor tells the page which door it is at: an owner's asks for no key, and has its playground elsewhere.
func (h *Handler) atDoor(index []byte) []byte {
	if h.cfg.Keys != nil {
		return index
	}
	_, port, err := net.SplitHostPort(h.cfg.API)
	if err != nil {
		port = ""
	}
	return bytes.Replace(index, []byte(`data-door="key"`), []byte(`data-door="owner" data-api-port="`+port+`"`), 1)
}

// Close ends the views that are open, so that a stopping server need not wait for their viewers.
func (h *Handler) Close() { h.once.Do(func() { close(h.closing) }) }

// ServeHTTP serves files to everyone and data to viewers.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A keep-alive connection still has the deadlines of the answer before this one.
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // a writer without deadlines (in tests) works without them
	_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	hasBody := r.ContentLength != 0
	if hasBody { // not read: before it answers, net/http would wait for some of it without any deadline
		_ = rc.SetReadDeadline(time.Now())
		head.Set("Connection", "close")
	}
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		head.Set("Allow", http.MethodGet)
		refuse(w, &Refusal{Status: http.StatusMethodNotAllowed, Message: "the page is only read"})
		return
	case hasBody:
		refuse(w, &Refusal{Status: http.StatusBadRequest, Message: "the page is asked without a body"})
		return
	}
	if name, isData := strings.CutPrefix(r.URL.Path, dataPath); isData {
		head.Set("Cache-Control", "no-store")
		h.serveData(w, r, name)
		return
	}
	f, found := h.files[r.URL.Path]
	if !found {
		refuse(w, &Refusal{Status: http.StatusNotFound, Message: "no such file of the page"})
		return
	}
	head.Set("Content-Type", f.kind)
	head.Set("Cache-Control", "no-cache") // asked for again each time, and not sent again while it is the same
	head.Set("ETag", f.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
}

func (h *Handler) serveData(w http.ResponseWriter, r *http.Request, name string) {
	v, err := h.admit(r)
	if err != nil {
		refuse(w, err)
		return
	}
	look, err := h.view(r.Context(), v, name, r.URL.Query())
	if err != nil {
		refuse(w, err)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		h.stream(w, r, v, look)
		return
	}
	body, err := look()
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that left is told nothing
}

// admit finds the viewer. A page of another site is refused even where it could not read the answer.
func (h *Handler) admit(r *http.Request) (Viewer, error) {
	if !fromPage(r) {
		return Viewer{}, &Refusal{Status: http.StatusForbidden, Message: "the page's data is for the page itself, not for other sites"}
	}
	if h.cfg.Keys == nil {
		return Viewer{Owner: true}, nil
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if secret = strings.TrimSpace(secret); !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return Viewer{}, &Refusal{Status: http.StatusUnauthorized, Message: "no API key: the page shows a key its own requests"}
	}
	var v Viewer
	err := errors.New("no key is as long")
	if len(secret) <= maxKeyBytes {
		v, err = h.cfg.Keys(r.Context(), secret)
	}
	if told := (*Refusal)(nil); err != nil && !errors.As(err, &told) {
		err = &Refusal{Status: http.StatusUnauthorized, Message: "this gateway does not know the API key"}
	}
	return v, err
}

// fromPage: a browser says that this page asks, or no browser does.
func fromPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	_, host, _ := strings.Cut(origin, "://")
	return origin == "" || host == r.Host
}

// view finds what makes a view's JSON as it is now.
func (h *Handler) view(ctx context.Context, v Viewer, name string, q url.Values) (func() ([]byte, error), error) {
	views := h.cfg.Views
	switch name {
	case "requests":
		return encoded(func() (any, error) { return views.Requests(ctx, v, q.Get("open")) }), nil
	case "fleet":
		return encoded(func() (any, error) { return views.Fleet(ctx, v) }), nil
	case "spend":
		return encoded(func() (any, error) { return views.Spend(ctx, v) }), nil
	case "receipts":
		return encoded(func() (any, error) { return views.Receipts(ctx, v) }), nil
	case "receipt":
		return encoded(func() (any, error) { return views.Receipt(ctx, v, q.Get("id")) }), nil
	}
	return nil, &Refusal{Status: http.StatusNotFound, Message: "no such view"}
}

func encoded(look func() (any, error)) func() ([]byte, error) {
	return func() ([]byte, error) {
		v, err := look()
		if err != nil {
			return nil, err
		}
		return json.Marshal(v)
	}
}

// fail tells a refusal, and of other errors only that there was one.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if told := (*Refusal)(nil); !errors.As(err, &told) {
		h.cfg.Logger.Error("serve a view of the page", "path", r.URL.Path, "err", err)
		err = &Refusal{Status: http.StatusInternalServerError, Message: "the gateway could not read this; its log says why"}
	}
	refuse(w, err)
}

// refuse answers with a *Refusal.
func refuse(w http.ResponseWriter, err error) {
	var r *Refusal
	errors.As(err, &r) // all that come here are
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((r.RetryAfter+time.Second-1)/time.Second)))
	}
	body, _ := json.Marshal(map[string]string{"error": r.Message}) // a string always marshals
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.Status)
	_, _ = w.Write(body) // a client that left is told nothing
}
