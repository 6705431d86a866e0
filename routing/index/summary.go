package index

import "math"

// Summary is what an index holds, for people and programs.
type Summary struct {
	ID         string          `json:"id"`
	Generation uint64          `json:"generation"`
	Embedder   string          `json:"embedder"`
	Dim        int             `json:"dim"`
	Rows       int             `json:"rows"`
	Outcomes   int             `json:"outcomes"`
	Outlier    float64         `json:"outlier"` // cosine; see Index.Outlier
	Sources    []SourceSummary `json:"sources"`
	Models     []ModelSummary  `json:"models"`
}

// SourceSummary is one source's part.
type SourceSummary struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
}

// ModelSummary is one model's part.
type ModelSummary struct {
	ID      string  `json:"id"`
	Rows    int     `json:"rows"`
	Ability float64 `json:"ability"` // see Index.Ability
	Tokens  float64 `json:"tokens"`  // geometric mean of its answers' lengths; 0 when not known
}

// Summary describes x.
func (x *Index) Summary() Summary {
	s := Summary{
		ID: x.ID(), Generation: x.generation, Embedder: x.embedder, Dim: x.dim, Rows: x.Len(), Outcomes: len(x.cells),
		Outlier: float64(x.outlier) / SimilarityOne, Sources: make([]SourceSummary, len(x.sources)), Models: []ModelSummary{},
	}
	for i, name := range x.sources {
		s.Sources[i].Name = name
	}
	for _, source := range x.rowSource {
		s.Sources[source].Rows++
	}
	for m, id := range x.models {
		tokens := 0.0
		if mean, _, ok := x.Length(m); ok {
			tokens = math.Exp2((mean - 1) / lengthSteps)
		}
		s.Models = append(s.Models, ModelSummary{ID: id, Rows: x.RowsOf(m), Ability: x.Ability(m), Tokens: tokens})
	}
	return s
}
