package node

import (
	"context"
	"errors"
	"fmt"
	"io"

	"flotilla/node/admin"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
	"flotilla/routing/probe"
)

// Edited is the answer to an edit of a gateway's index.
type Edited struct {
	index.Removed
	Added      int    `json:"rows_added"`
	Doubles    int    `json:"rows_double,omitempty"` // of those added: they were there already, and count twice now
	Rows       int    `json:"rows"`
	Generation uint64 `json:"generation"`
	ID         string `json:"id"`
}

func edited(x *index.Index) Edited {
	return Edited{Rows: x.Len(), Generation: x.Generation(), ID: x.ID()}
}

func (o owner) living() (*livingRouter, error) {
	if o.n.Gateway == nil {
		return nil, fmt.Errorf("index: %w: only a gateway has one", admin.ErrNotHere)
	}
	return o.n.Gateway.router, nil
}

// IndexSummary is an index.Summary.
func (o owner) IndexSummary(context.Context) (any, error) {
	l, err := o.living()
	if err != nil {
		return nil, err
	}
	return l.Index().Summary(), nil
}

// IndexHealth is what an index is worth, and who says different things of one model in it.
type IndexHealth struct {
	index.Health
	Disagree []probe.Comparison `json:"disagree"`
}

// HealthOf judges x.
func HealthOf(x *index.Index) (IndexHealth, error) {
	disagree, err := probe.Disagreements(x)
	return IndexHealth{x.Health(), append([]probe.Comparison{}, disagree...)}, err
}

// IndexHealth is an IndexHealth.
func (o owner) IndexHealth(context.Context) (any, error) {
	l, err := o.living()
	if err != nil {
		return nil, err
	}
	return HealthOf(l.Index())
}

// ExportIndex gives the newest generation, or (id) one that is kept.
func (o owner) ExportIndex(_ context.Context, id string) (io.WriterTo, error) {
	l, err := o.living()
	if err != nil {
		return nil, err
	}
	if id == "" {
		return l.Index(), nil
	}
	x, err := l.generation(id)
	if errors.Is(err, indexfile.ErrNotKept) {
		return nil, fmt.Errorf("%w: %w: 'flotilla index inspect' shows the newest, a receipt's decision its own (index_id)", admin.ErrNotFound, err)
	}
	return x, err
}

// ForgotGenerations is the answer to ForgetGenerations.
type ForgotGenerations struct {
	Removed int    `json:"generations_removed"`
	ID      string `json:"id"` // of the one that is left
}

// ForgetGenerations removes all but the newest; the answer is a ForgotGenerations.
func (o owner) ForgetGenerations(context.Context) (any, error) {
	l, err := o.living()
	if err != nil {
		return nil, err
	}
	removed, err := l.forgetEarlier()
	if err != nil {
		return nil, err
	}
	return ForgotGenerations{removed, l.Index().ID()}, nil
}

// AddRows appends the rows of an encoded index, in place of those of a source if one is named; the answer is an Edited.
func (o owner) AddRows(_ context.Context, replace string, encoded []byte) (any, error) {
	l, err := o.living()
	if err != nil {
		return nil, err
	}
	rows, err := index.Decode(encoded)
	if err == nil {
		err = rows.CheckCoherence()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", admin.ErrBadRequest, err)
	}
	var removed index.Removed
	doubles := 0
	x, err := l.Edit(func(b *index.Builder) (err error) {
		removed, doubles, err = b.Replace(replace, rows)
		return asBadRequest(err)
	})
	if err != nil {
		return nil, err
	}
	e := edited(x)
	e.Added, e.Doubles, e.Removed = rows.Len(), doubles, removed
	return e, nil
}

// RemoveRows reads an index.Removal; the answer is an Edited.
func (o owner) RemoveRows(_ context.Context, decode func(any) error) (any, error) {
	l, err := o.living()
	if err != nil {
		return nil, err
	}
	var r index.Removal
	if err := decode(&r); err != nil {
		return nil, err
	}
	var removed index.Removed
	x, err := l.Edit(func(b *index.Builder) (err error) {
		removed, err = r.Apply(b)
		return asBadRequest(err)
	})
	if err != nil {
		return nil, err
	}
	e := edited(x)
	e.Removed = removed
	return e, nil
}

func asBadRequest(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", admin.ErrBadRequest, err)
}
