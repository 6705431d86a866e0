package node

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/node/backend"
	"flotilla/node/openai"
	"flotilla/p2p"
)

// generated is what came out of the model for a job, as far as it was sent.
type generated struct {
	pieces  uint64 // pieces sent
	in, out uint32 // tokens to charge
	hash    common.Hash
	finish  string
	ended   uint64 // when, in seconds since 1970
	fault   error  // why the answer is shorter than asked, nil when it is whole
	marks   []mark // the state after each piece that is not acknowledged yet, and after the last that is
}

// mark is the state after a piece: an answer that is cut there has this hash and this many tokens.
type mark struct {
	piece uint64
	out   uint32
	hash  common.Hash
}

// count takes the model server's count over, as far as the text bears it.
func (g *generated) count(u backend.Usage, textBytes uint64) {
	g.in, g.out = u.PromptTokens, min(u.CompletionTokens, maxOutputTokens(textBytes))
}

// broken is what there is of an answer that fault ended. The model server has usually counted nothing by then.
func (g generated) broken(s *backend.Stream, fault error) generated {
	g.in, g.fault = s.PromptTokens(), fault
	return g
}

// sent notes a piece. p2p's window bounds the pieces under way, and with them the marks.
func (g *generated) sent(hash common.Hash, acked uint64) {
	g.pieces++
	g.hash = hash
	g.marks = append(g.marks, mark{g.pieces, g.out, hash})
	for len(g.marks) > 1 && g.marks[1].piece <= acked {
		g.marks = g.marks[1:]
	}
}

// cutTo shortens the answer to the acknowledged pieces.
func (g *generated) cutTo(acked uint64, _ uint32) {
	for _, m := range g.marks {
		if m.piece == acked {
			g.pieces, g.out, g.hash = acked, m.out, m.hash
			return
		}
	}
	g.pieces, g.out = 0, 0
}

// generate runs the model and streams its pieces. It never fails: what went wrong is in generated.fault, and what
// was delivered before that is still counted.
func (o *Operator) generate(ctx context.Context, in *p2p.Incoming, j *job) generated {
	var g generated
	body, err := backend.SetModel(j.body, j.model.BackendModel)
	if err != nil {
		g.fault = err
		return g
	}
	s, err := j.ask(ctx, body)
	if err != nil {
		g.fault = fmt.Errorf("ask the model server: %w", err)
		return g
	}
	defer func() { _ = s.Close() }()
	h := newAnswerHash(j.salt)
	var text uint64 // bytes sent
	var usage *backend.Usage
	for {
		ev, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return g.broken(s, fmt.Errorf("read the model's answer: %w", err))
		}
		if ev.Usage != nil {
			usage = ev.Usage
		}
		if ev.FinishReason != "" {
			g.finish = ev.FinishReason
		}
		// What the server says beside the counts is the client's, who gets it with the cost. An estimate is ours, and a count alone no answer.
		if ev.UsageOnly && (ev.Data == nil || g.pieces == 0) {
			continue
		}
		text += uint64(len(ev.Text))
		switch {
		case !j.request.Stream && usage != nil:
			g.count(*usage, text)
		case ev.Text != "":
			g.out++ // one delta is one token on every runtime we know, until the runtime's own count arrives
		}
		h.add(ev.Data)
		if err := in.Send(ev.Data, g.out); err != nil {
			return g.broken(s, fmt.Errorf("send: %w", err))
		}
		acked, _ := in.Acked()
		g.sent(h.sum, acked)
	}
	if usage != nil {
		g.count(*usage, text)
	}
	if g.pieces == 0 {
		g.fault = errors.New("the model server gave an empty answer")
	}
	return g
}

// ask the job's model for a chat or, of an embedding model, for vectors.
func (j *job) ask(ctx context.Context, body []byte) (*backend.Stream, error) {
	switch {
	case !j.model.embeds():
		return j.model.Backend.Chat(ctx, body, j.request.Stream)
	case j.request.Stream:
		return nil, errors.New("vectors are not streamed")
	}
	return j.model.Backend.Embed(ctx, body)
}

func estimateTokens(bytes int) uint32 { return clampUint32(uint64(bytes) / openai.BytesPerToken) }
