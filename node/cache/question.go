package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"

	"flotilla/node/rawjson"
)

// unheard are the members of a request that cannot change its answer: how it is sent, and whose it is.
var unheard = [...]string{"stream", "stream_options", "user", "metadata", "safety_identifier", "prompt_cache_key", "store"}

// digest stands for a request.
type digest [sha256.Size]byte

// Question is a request as the cache compares it.
type Question struct {
	exact digest
	group digest // of requests that differ in the last user text alone; zero where wording counts
	// Text is the user's text, of a request that may be answered by what was said to another wording of it: one text of one
	// user, of one line, after system texts at most, without tools, images or a format for the answer. Empty for any other:
	// what has several lines is often a list or a program, in which the order counts and vectors do not show it.
	Text string
}

// maxText bounds the texts that are compared by meaning: what is longer has more to differ in than a vector tells.
const maxText = 1000

// Read takes a chat completion's body for a question. scope is what else decides about the answer, in any fixed spelling.
// Requests that could be read in two ways are not cached.
func Read(body, scope []byte) (Question, bool) {
	obj, err := rawjson.Parse(body)
	if err != nil {
		return Question{}, false
	}
	var members []member
	for _, m := range obj.Members() {
		if slices.Contains(unheard[:], m.Key) {
			continue
		}
		value, err := canonical(m.Value)
		if err != nil {
			return Question{}, false
		}
		members = append(members, member{m.Key, value})
	}
	q := Question{}
	whole, err := appendMembers(nil, members)
	if err != nil {
		return Question{}, false
	}
	q.exact = digestOf("exact", scope, whole)
	text, before, ok := singleTurn(obj)
	if !ok {
		return q, true
	}
	for i := range members {
		if members[i].name == "messages" {
			members[i].value = before
		}
	}
	if whole, err = appendMembers(whole[:0], members); err == nil {
		q.Text, q.group = text, digestOf("group", scope, whole)
	}
	return q, true
}

func digestOf(kind string, scope, body []byte) digest {
	h := sha256.New()
	for _, part := range [...][]byte{[]byte(kind), scope, body} {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return digest(h.Sum(nil))
}

// singleTurn is the user's text and all messages without it, canonical, of a request that Question.Text describes.
func singleTurn(obj rawjson.Object) (text string, before []byte, ok bool) {
	for _, name := range [...]string{"tools", "functions", "tool_choice", "function_call", "response_format", "modalities", "audio"} {
		if obj.Has(name) {
			return "", nil, false
		}
	}
	raw, _ := obj.Get("messages")
	var messages []json.RawMessage
	if json.Unmarshal(raw, &messages) != nil || len(messages) == 0 {
		return "", nil, false
	}
	for i, raw := range messages {
		m, err := rawjson.Parse(raw)
		if err != nil || !plain(m) {
			return "", nil, false
		}
		role, _ := m.Get("role")
		content, _ := m.Get("content")
		if len(content) == 0 || content[0] != '"' {
			return "", nil, false
		}
		if last := i == len(messages)-1; !last {
			if string(role) != `"system"` && string(role) != `"developer"` {
				return "", nil, false
			}
			continue
		}
		if string(role) != `"user"` || json.Unmarshal(content, &text) != nil || text == "" || len(text) > maxText || strings.ContainsAny(text, "\n\r") {
			return "", nil, false
		}
		messages[i] = m.Apply(rawjson.Edit{Key: "content"})
	}
	rest, err := json.Marshal(messages)
	if err == nil {
		before, err = canonical(rest)
	}
	return text, before, err == nil
}

// plain: a message has nothing but its text, and whose it is.
func plain(m rawjson.Object) bool {
	for _, part := range m.Members() {
		if part.Key != "role" && part.Key != "content" && part.Key != "name" {
			return false
		}
	}
	return true
}
