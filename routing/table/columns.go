package table

import "flotilla/routing/catalogue"

// skipped columns parse as open weights but must not be used.
var skipped = map[string]string{
	"Meta-Llama-3.1-70B-Instruct@hyperbolic": "broken run: .096 where other providers of the same weights have .7",
	"deepseek-chat":                          "API name; which weights stood behind it then is not stated",
	"deepseek-coder":                         "API name; which weights stood behind it then is not stated",
	"yi-large":                               "closed weights",
	"yi-large-preview":                       "closed weights",
}

// renamed columns name their weights in a way no rule reads.
var renamed = map[string]string{
	"llama3-chatqa-1.5-8b":  "llama-3-chatqa-1.5-8b",
	"llama3-chatqa-1.5-70b": "llama-3-chatqa-1.5-70b",
}

// canonical is the canonical id of a column, or false for a model whose weights cannot be had or named, and for one that answers no chats.
func canonical(column string) (string, bool) {
	if id, ok := renamed[column]; ok {
		return catalogue.ID(id), true
	}
	if reason, ok := skipped[column]; ok && reason != "" {
		return "", false
	}
	m := catalogue.Parse(column)
	return m.ID, !m.Unknown && !m.NoChat
}
