package openai

import (
	"errors"
	"net/http"
	"strings"
)

// MaxKeyBytes bounds the keys that are looked at; ours have 40 or so.
const MaxKeyBytes = 512

// KeyInfo says whose key a request came with. ID may be logged; it does not reveal the key.
type KeyInfo struct {
	ID    string
	Rules *KeyRules // nil: none
}

// KeyCheck finds a key. An *APIError refuses it and is told to the caller; of any other error, only that the key is not
// known. The time it takes must tell nothing about the keys that there are.
type KeyCheck func(key string) (KeyInfo, error)

var errUnknownKey = errors.New("unknown API key")

// authenticate finds the caller by its bearer token, or by Anthropic's header.
func (h *handler) authenticate(r *http.Request) (KeyInfo, *APIError) {
	scheme, key, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		key = r.Header.Get("X-Api-Key")
	}
	if key = strings.TrimSpace(key); key == "" {
		return KeyInfo{}, &APIError{
			Status: http.StatusUnauthorized, Code: "missing_api_key", NoRetry: true,
			Message: "no API key: send the header Authorization: Bearer KEY",
		}
	}
	if len(key) <= MaxKeyBytes {
		info, err := h.cfg.Keys(key)
		if err == nil {
			return info, nil
		}
		if api := (*APIError)(nil); errors.As(err, &api) {
			return KeyInfo{}, api
		}
	}
	return KeyInfo{}, IncorrectKey("this gateway does not know the API key")
}

// IncorrectKey refuses a key. The first words are OpenAI's: by them LiteLLM, and what is built on it, tells a wrong key from a bad request.
func IncorrectKey(why string) *APIError {
	return &APIError{Status: http.StatusUnauthorized, Code: "invalid_api_key", NoRetry: true, Message: "Incorrect API key provided: " + why}
}
