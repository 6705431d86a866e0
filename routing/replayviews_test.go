package routing_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"flotilla/routing"
	"flotilla/routing/guard"
	"flotilla/routing/index"
)

// The versions of the text that were asked are made again from the record, however many offers there are.
func TestViewsReplay(t *testing.T) {
	r, x := guardedRouter(t)
	text := "Prove that the square root of two is irrational. Then explain in two sentences why the same argument fails for the square root of four, and say for which whole numbers it holds."
	fleet := ladder()
	for i := range 100 {
		c := ladder()[i%2]
		c.Operator += strconv.Itoa(i)
		c.OutputPerMTok += uint64(1000 * i)
		fleet = append(fleet, c)
	}
	for dial := float64(0); dial < routing.MaxDial; dial += 0.5 {
		for _, offers := range [][]routing.Candidate{ladder(), fleet} {
			d, err := r.Route(t.Context(), routing.Prompt{Text: text}, offers, routing.Policy{Dial: dial})
			if err != nil {
				t.Fatal(err)
			}
			if err := routing.Replay(t.Context(), d.JSON(), x); err != nil {
				t.Errorf("dial %v, %d offers: %v", dial, len(offers), err)
			}
			if dial > 0 {
				continue
			}
			if len(d.Guard.Views) < 2 {
				t.Fatalf("%d views were asked", len(d.Guard.Views))
			}
			d.Guard.Views[1].ExpectedCost++
			var diff *routing.DifferenceError
			if err := routing.Replay(t.Context(), d.JSON(), x); !errors.As(err, &diff) || diff.Field != "guard.views[1].expected_cost" {
				t.Errorf("a changed view: %v", err)
			}
			d.Guard.Views, d.Guard.Wanted = nil, ""
			if err := routing.Replay(t.Context(), d.JSON(), x); !errors.As(err, &diff) || diff.Field != "guard.wanted" {
				t.Errorf("hidden views: %v", err)
			}
		}
	}
}

// scattered gives each text a place of its own near some row of the index, so that no two versions of a prompt agree.
type scattered struct{ x *index.Index }

func (e scattered) ID() string { return e.x.EmbedderID() }
func (e scattered) Dim() int   { return e.x.Dim() }
func (e scattered) Embed(_ context.Context, text string) ([]float32, error) {
	rng := rand.New(rand.NewChaCha8(sha256.Sum256([]byte(text))))
	return moved(rng, e.x.Vector(rng.IntN(e.x.Len())), 0.5+rng.Float64()/2), nil
}

// disagreeing is a guarded router with such an encoder over the index that ships.
func disagreeing(t *testing.T) (*routing.Router, *index.Index) {
	t.Helper()
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.New(routing.Config{Embedder: scattered{x}, Index: x, Guard: g})
	if err != nil {
		t.Fatal(err)
	}
	return r, x
}

// However much the versions of a text disagree, and however many offers there are: what the decision rests on is few enough
// to be recorded, and the record gives the decision again.
func TestDisagreeingViewsReplayInALargeFleet(t *testing.T) {
	r, x := disagreeing(t)
	rng := rand.New(rand.NewPCG(5, 5))
	most := 0
	for i := range 150 {
		var fleet []routing.Candidate
		for k := range 200 {
			price := uint64(10_000 * (1 + rng.IntN(10)) * (1 + rng.IntN(20)))
			fleet = append(fleet, routing.Candidate{
				Operator: fmt.Sprint("op", k), Model: routing.ModelID(x.Models()[rng.IntN(len(x.Models()))]), InputPerMTok: price, OutputPerMTok: price * uint64(1+rng.IntN(3)),
			})
		}
		p := routing.Prompt{Text: fmt.Sprintf("Tell me about the number %d and the sea. Then say %d. How many ships are there? Name one of them, please.", rng.IntN(1e6), i)}
		if i%3 == 0 {
			p.Session = routing.Session{Model: fleet[0].Model, Operator: fleet[0].Operator, CachedTokens: 2000}
		}
		d, err := r.Route(t.Context(), p, fleet, routing.Policy{Dial: float64(i%100) / 10})
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(d.Guard.Views))
		if len(d.Considered) > routing.MaxRecorded {
			t.Errorf("prompt %d: %d choices are recorded", i, len(d.Considered))
		}
		if err := routing.Replay(t.Context(), d.JSON(), x); err != nil {
			t.Errorf("prompt %d, dial %v: %v", i, d.Dial, err)
		}
	}
	if most < 6 {
		t.Errorf("at most %d views were asked: the prompts are not what the test needs", most)
	}
}
