package node

import (
	"context"
	"errors"
	"fmt"

	"flotilla/node/access"
	"flotilla/node/admin"
)

// CreatedKey is the answer to a new key: the only time that its secret is told.
type CreatedKey struct {
	Secret string `json:"secret"`
	access.Key
}

// RevokedKey says which key is to be revoked, and whether to forget it and what it has spent.
type RevokedKey struct {
	ID     access.KeyID `json:"id"`
	Forget bool         `json:"forget,omitempty"`
}

func (o owner) keys() (access.Keys, error) {
	if o.n.keys == nil {
		return nil, fmt.Errorf("API keys: %w: only a gateway has any", admin.ErrNotHere)
	}
	return o.n.keys, nil
}

// Keys are a list of access.Status, oldest first.
func (o owner) Keys(ctx context.Context) (any, error) {
	s, err := o.keys()
	if err != nil {
		return nil, err
	}
	all, err := s.List(ctx)
	return all, asAdminError(err)
}

// CreateKey reads access.Terms; the answer is a CreatedKey.
func (o owner) CreateKey(ctx context.Context, decode func(any) error) (any, error) {
	s, err := o.keys()
	if err != nil {
		return nil, err
	}
	var t access.Terms
	if err := decode(&t); err != nil {
		return nil, err
	}
	secret, k, err := s.Create(ctx, t)
	if err != nil {
		return nil, asAdminError(err)
	}
	return CreatedKey{secret, k}, nil
}

// RevokeKey reads a RevokedKey; the answer is an access.Key.
func (o owner) RevokeKey(ctx context.Context, decode func(any) error) (any, error) {
	s, err := o.keys()
	if err != nil {
		return nil, err
	}
	var r RevokedKey
	if err := decode(&r); err != nil {
		return nil, err
	}
	k, err := s.Revoke(ctx, r.ID, r.Forget)
	return k, asAdminError(err)
}

func asAdminError(err error) error {
	switch {
	case errors.Is(err, access.ErrUnknownKey):
		return fmt.Errorf("%w: %w", admin.ErrNotFound, err)
	case errors.Is(err, access.ErrBadTerms), errors.Is(err, access.ErrFull):
		return fmt.Errorf("%w: %w", admin.ErrBadRequest, err)
	case isUnavailable(err):
		return fmt.Errorf("%w: %w", admin.ErrAway, err)
	}
	return err
}
