package index

import (
	"fmt"
	"math"
)

// Limits of an index. They bound what a decoder allocates from a stranger's file.
const (
	MaxRows    = 1 << 20 // at 384 dimensions 1.6 GB of vectors in memory: beyond that a scan is too slow anyway
	MaxDim     = 4096    // the largest common sentence encoders
	MaxModels  = 4096
	MaxSources = 1<<16 - 1 // each key with accepted feedback is one; a row has its number in 16 bits
	maxString  = 512       // embedder ids and model names; longest real one is near 120 bytes
)

// Row is one labelled prompt: where it lies, and how models did on it. Models that were not run are simply absent.
type Row struct {
	Vector   []float32 // the embedder's unit vector, Dim() values
	Outcomes []Outcome // at most one per model; order does not matter
	Source   string    // whose labels these are: "ulab14", "zeroeval", "probe"
}

// Outcome is one model's graded answer to a row's prompt.
type Outcome struct {
	Model        string  // canonical id (package catalogue)
	Score        float64 // 0..1
	OutputTokens uint32  // length of the answer; 0 when not known
}

// Stored resolutions. Scores keep 1/255 and lengths 1/16 of a doubling (4.4 %): both far below label noise.
const (
	scoreSteps     = 255
	lengthSteps    = 16
	unknownLength  = 0
	maxLengthSteps = 255 // 2^((255-1)/16) = 60,000 tokens; longer answers are stored as that
)

func quantizeScore(s float64) uint8 { return uint8(math.Round(s * scoreSteps)) }

// quantizeLength stores 1 + 16·log2(tokens), so that neighbours' lengths average as a log-mean.
func quantizeLength(tokens uint32) uint8 {
	if tokens == 0 {
		return unknownLength
	}
	return uint8(min(1+math.Round(lengthSteps*math.Log2(float64(tokens))), maxLengthSteps))
}

func (r Row) check(dim int) error {
	if len(r.Vector) != dim {
		return fmt.Errorf("vector has %d values, the index has %d", len(r.Vector), dim)
	}
	sum := 0.0
	for _, v := range r.Vector {
		sum += float64(v) * float64(v)
	}
	if !(sum > 0.98 && sum < 1.02) { // also catches NaN
		return fmt.Errorf("vector has squared length %.3f, want a unit vector", sum)
	}
	if len(r.Outcomes) == 0 {
		return fmt.Errorf("row has no outcome")
	}
	if len(r.Source) > maxString {
		return fmt.Errorf("source name has %d bytes, at most %d", len(r.Source), maxString)
	}
	seen := make(map[string]bool, len(r.Outcomes))
	for _, o := range r.Outcomes {
		if o.Model == "" || len(o.Model) > maxString {
			return fmt.Errorf("model name %q: want 1 to %d bytes", o.Model, maxString)
		}
		if !(o.Score >= 0 && o.Score <= 1) {
			return fmt.Errorf("score %v of %s: want 0 to 1", o.Score, o.Model)
		}
		if seen[o.Model] {
			return fmt.Errorf("model %s occurs twice in one row", o.Model)
		}
		seen[o.Model] = true
	}
	return nil
}
