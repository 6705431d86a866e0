package node

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"flotilla/node/openai"
)

// turnError is why one of the models that a request names gave no answer.
type turnError struct {
	model string
	err   error
}

func (e *turnError) Error() string { return e.model + ": " + e.err.Error() }
func (e *turnError) Unwrap() error { return e.err }

// unservedError says so of each of several models.
type unservedError []*turnError

// orOnly is the error of the only model where a request names one, which needs no list.
func (e unservedError) orOnly() error {
	if len(e) == 1 {
		return e[0].err
	}
	return e
}

func (e unservedError) Error() string {
	var why []string
	for _, turn := range e {
		why = append(why, turn.Error())
	}
	return strings.Join(why, "; ")
}

func (e unservedError) Unwrap() []error {
	var errs []error
	for _, turn := range e {
		errs = append(errs, turn)
	}
	return errs
}

// apiError is the client's view: the first error that may pass by itself, else that the budget is too small, else the last of a model
// that an operator was asked for, else the last, as at OpenRouter, with what became of each model.
func (e unservedError) apiError() error {
	var passing, dear, asked, last *openai.APIError
	var why []string
	for _, turn := range e {
		if told := asAPIError(turn.err); !errors.As(told, &last) {
			return told // not for clients
		}
		why = append(why, turn.model+": "+last.Message)
		if last.RetryAfter > 0 {
			passing = cmp.Or(passing, last)
		}
		if isOverBudget(turn.err) {
			dear = last
		}
		if none := (*noAnswerError)(nil); errors.As(turn.err, &none) {
			asked = last
		}
	}
	out := *cmp.Or(passing, dear, asked, last)
	out.Message = fmt.Sprintf("none of the models that the request names gives an answer: %s", strings.Join(why, "; "))
	return &out
}
