package openai

import "net/http"

// preflightSeconds is how long a browser need not ask again.
const preflightSeconds = "600"

// crossOrigin lets a page of another site ask the API and read the answer, as OpenAI's does: clients that run in a browser need
// it, also to be told what is not there. The key alone says what may be done: there are no cookies that a page could use without
// knowing it. It reports whether that was all, the browser's question before the request itself.
func (x *exchange) crossOrigin() (answered bool) {
	if x.r.URL.Path == "/" || x.isProbe() || x.r.Header.Get("Origin") == "" {
		return false
	}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "*")
	method := x.r.Header.Get("Access-Control-Request-Method")
	if x.r.Method != http.MethodOptions || method == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", method)
	h.Set("Access-Control-Allow-Headers", x.r.Header.Get("Access-Control-Request-Headers")) // * would leave Authorization out
	h.Set("Access-Control-Max-Age", preflightSeconds)
	x.status = http.StatusNoContent
	x.w.WriteHeader(x.status)
	return true
}
