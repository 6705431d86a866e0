package scripted

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Server speaks as llama.cpp's server does. It is an http.Handler, safe for concurrent use.
type Server struct {
	models []string
	book   book
}

// New returns a server of these models.
func New(models ...string) *Server {
	return &Server{models: models, book: book{tags: map[string]*Stats{}}}
}

// Stats of the requests with a tag.
func (s *Server) Stats(tag string) Stats { return s.book.of(tag) }

// contextLength that the server claims, in tokens: enough for a prompt of 1 MiB.
const contextLength = 1 << 20

// ServeHTTP serves the routes of llama.cpp's server that a Backend asks for, and /stats.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/models":
		type entry struct {
			ID      string         `json:"id"`
			Object  string         `json:"object"`
			OwnedBy string         `json:"owned_by"`
			Meta    map[string]any `json:"meta"`
		}
		list := []entry{}
		for _, m := range s.models {
			list = append(list, entry{m, "model", "llamacpp", map[string]any{"n_ctx": contextLength}})
		}
		sendJSON(w, http.StatusOK, map[string]any{"object": "list", "data": list})
	case "/props":
		sendJSON(w, http.StatusOK, map[string]any{
			"default_generation_settings": map[string]any{"n_ctx": contextLength}, "model_ftype": "Q8_0",
			"chat_template": "tools", "modalities": map[string]bool{"vision": true},
		})
	case "/stats":
		sendJSON(w, http.StatusOK, s.Stats(r.URL.Query().Get("tag")))
	case "/v1/chat/completions":
		s.chat(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client left
	}
	sc, err := readScript(body)
	if err != nil {
		sendError(w, http.StatusBadRequest, "script_error", err.Error())
		return
	}
	s.book.note(sc.tag, func(st *Stats) { st.Calls++ })
	a := &answer{w: w, ctx: r.Context(), book: &s.book, script: sc, pieces: sc.pieces()}
	switch err := a.read(body); {
	case err != nil:
		sendError(w, http.StatusBadRequest, "bad_request", err.Error())
	case sc.status != 0:
		if sc.retry != "" {
			w.Header().Set("Retry-After", sc.retry)
		}
		sendError(w, sc.status, "scripted_"+strconv.Itoa(sc.status), fmt.Sprintf("scripted error %d", sc.status))
	case sc.html:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>It works!</body></html>")
	default:
		if err := a.run(); errors.Is(err, errLeft) {
			s.book.note(sc.tag, func(st *Stats) { st.Released++; st.LeftAt = append(st.LeftAt, nowMS()) })
			return
		}
	}
	s.book.note(sc.tag, func(st *Stats) { st.Finished++ })
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that left reads nothing
}

func sendError(w http.ResponseWriter, status int, code, message string) {
	sendJSON(w, status, map[string]any{"error": errorObject(code, message)})
}

func errorObject(code, message string) map[string]any {
	return map[string]any{"message": message, "type": "scripted_error", "param": "script", "code": code}
}
