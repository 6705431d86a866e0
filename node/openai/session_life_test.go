package openai

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestSessionsAreForgotten(t *testing.T) {
	s, start := newSessions(), time.Unix(1_700_000_000, 0)
	key := func(i int) (k sessionKey) {
		binary.BigEndian.PutUint64(k[:], uint64(i))
		return k
	}
	who := Session{Model: "m", Operator: "o", CachedTokens: 7}
	s.remember(key(0), who, start)
	if got := s.recall(key(0), start.Add(sessionLife)); got != who {
		t.Errorf("at the end of its life: %+v", got)
	}
	if got := s.recall(key(0), start.Add(sessionLife+1)); got != (Session{}) {
		t.Errorf("after its life: %+v", got)
	}
	for i := range maxSessions {
		s.remember(key(i+1), who, start)
	}
	if got := s.recall(key(0), start); got != (Session{}) || s.last.Len() != maxSessions {
		t.Errorf("%d sessions are kept, the oldest %+v", s.last.Len(), got)
	}
}
