package openai

import (
	"crypto/sha256"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// headerSession names a conversation. Without it a conversation is known by how it opened.
	headerSession   = "X-Session-Id"
	maxSessionBytes = 256

	maxSessions = 1 << 14 // about 4 MB
	// sessionLife: model servers keep a prefix for minutes to an hour; after that there is nothing to stay for.
	sessionLife = 30 * time.Minute
)

// Session is who answered a conversation last. The zero Session is none.
type Session struct {
	Model, Operator string
	// CachedTokens of the conversation have been through that operator's model, prompt and answer.
	CachedTokens uint32
}

// Conversation is what a request says about the conversation it belongs to, and what is remembered of that.
type Conversation struct {
	// Opening is a hash of what comes before the first answer: system texts, tools, the user's first text. It is the same
	// in every turn.
	Opening [sha256.Size]byte
	// Continues: a model has answered before. ToolLoop: the last message is a tool's result or a model's call of one.
	Continues, ToolLoop bool
	// Last is what is remembered.
	Last Session
}

// sessionKey is per API key, so that nobody's conversation bears on another's.
type sessionKey [sha256.Size]byte

// sessions remembers conversations, the most recent ones and for a while. Lost when the process ends: then a
// conversation is routed as a new one. Safe for concurrent use.
type sessions struct {
	last *lru.Cache[sessionKey, remembered]
}

type remembered struct {
	session Session
	at      time.Time
}

func newSessions() *sessions {
	cache, err := lru.New[sessionKey, remembered](maxSessions)
	if err != nil {
		panic("openai: " + err.Error()) // only for a size below 1
	}
	return &sessions{cache}
}

func (s *sessions) recall(k sessionKey, now time.Time) Session {
	r, ok := s.last.Get(k)
	if !ok || now.Sub(r.at) > sessionLife {
		return Session{}
	}
	return r.session
}

func (s *sessions) remember(k sessionKey, session Session, now time.Time) {
	s.last.Add(k, remembered{session, now})
}

// readSession finds the conversation's key and, unless it has only just begun, what is remembered. Prompts that open
// alike are told apart from conversations by the answers in them; a client that names its session need not repeat those.
func (x *exchange) readSession(req *Request) *APIError {
	name := x.r.Header.Get(headerSession)
	if len(name) > maxSessionBytes {
		return badRequest("x-session-id", "x-session-id may have at most %d bytes", maxSessionBytes)
	}
	c := &req.Conversation
	if name != "" {
		x.session = sha256.Sum256(fmt.Appendf(nil, "name\x00%s\x00%s", x.key.ID, name))
	} else {
		x.session = sha256.Sum256(fmt.Appendf(nil, "opening\x00%s\x00%s", x.key.ID, c.Opening))
	}
	if name != "" || c.Continues {
		c.Last = x.h.sessions.recall(x.session, x.start)
	}
	return nil
}

// keepSession remembers who gave a whole answer. A broken one says nothing about who should go on.
func (x *exchange) keepSession() {
	if f := x.final; f.ReceiptID != "" && x.outcome == "" {
		x.h.sessions.remember(x.session, Session{x.info.Model, x.info.Operator, f.PromptTokens + f.CompletionTokens}, time.Now())
	}
}
