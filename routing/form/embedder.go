package form

import (
	"context"
	"fmt"
	"math"
)

// version is part of Embedder.ID. Raise it when Of or Embed give other bits.
const version = "form-1"

// Encoder is what Embedder adds form to: a sentence encoder such as those of routing/embed.
type Encoder interface {
	Embed(ctx context.Context, text string) ([]float32, error)
	ID() string
	Dim() int
}

// Embedder gives what a text is about and how it is written equal say: the similarity of its vectors is the mean of the
// encoder's similarity and that of the forms. Safe for concurrent use if the encoder is.
type Embedder struct{ encoder Encoder }

// Join adds form to an encoder of at least Measures dimensions.
func Join(e Encoder) *Embedder { return &Embedder{e} }

// Encoder is what form was added to.
func (e *Embedder) Encoder() Encoder { return e.encoder }

// ID is the fingerprint of the vector space: the encoder's, and the version of the measures.
func (e *Embedder) ID() string { return version + "+" + e.encoder.ID() }

// Dim is the length of the vectors: the encoder's and Measures.
func (e *Embedder) Dim() int { return e.encoder.Dim() + Measures }

// Embed returns the unit vector of text, Dim() values. Errors are the encoder's, and Add's.
func (e *Embedder) Embed(ctx context.Context, text string) ([]float32, error) {
	meaning, err := e.encoder.Embed(ctx, text)
	if err != nil {
		return nil, err
	}
	return Add(text, meaning)
}

// EmbedPart is Embed of a part of a text that counts as beginning and ending like another: where it was cut says nothing.
func (e *Embedder) EmbedPart(ctx context.Context, part, like string) ([]float32, error) {
	meaning, err := e.encoder.Embed(ctx, part)
	if err != nil {
		return nil, err
	}
	return AddPart(part, like, meaning)
}

// Add joins the form of text to the encoder's vector of it, of length 1 and at least Measures values.
//
// A measure weighs about five times as much as a value of the encoder. An index keeps few bits a value, so each measure is
// spread evenly over itself and its share of the encoder's values: by the reflection that maps the first axis to the
// diagonal, which keeps all similarities (Householder 1958).
func Add(text string, meaning []float32) ([]float32, error) { return join(Of(text), meaning) }

// AddPart is Add for a part that begins and ends like another text, as EmbedPart has it.
func AddPart(part, like string, meaning []float32) ([]float32, error) {
	return join(ofPart(part, like), meaning)
}

func join(form [Measures]float64, meaning []float32) ([]float32, error) {
	if len(meaning) < Measures {
		return nil, fmt.Errorf("add form: the encoder gives %d values, want at least %d", len(meaning), Measures)
	}
	out := make([]float32, 0, len(meaning)+Measures)
	for i, measure := range form {
		from, to := i*len(meaning)/Measures, (i+1)*len(meaning)/Measures
		out = spread(out, measure, meaning[from:to])
	}
	return out, nil
}

// spread appends the reflection of (measure, share) that takes (1, 0, …, 0) to a vector of equal values, scaled by √½.
// With n values and u = 1/√n it is x − w·(w·x)/(1−u), where w = (1, 0, …) − (u, …, u). The conversions keep compilers from
// fusing operations, which would differ between CPUs.
func spread(out []float32, measure float64, share []float32) []float32 {
	u := 1 / math.Sqrt(float64(len(share)+1))
	sum := measure
	for _, v := range share {
		sum += float64(v)
	}
	along := (measure - float64(u*sum)) / (1 - u)
	out = append(out, float32((measure-float64((1-u)*along))*math.Sqrt2/2))
	for _, v := range share {
		out = append(out, float32((float64(v)+float64(u*along))*math.Sqrt2/2))
	}
	return out
}
