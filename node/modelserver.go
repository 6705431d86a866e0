package node

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"flotilla/node/backend"
)

// modelServer is one of an operator's model servers, with what of it is for sale.
type modelServer struct {
	backend *backend.Backend
	models  []ServedModel
	listed  backend.Listing // of the look before; nil before the first
	away    bool            // it did not answer then
}

// modelServers groups models by their server, in their order.
func modelServers(models []ServedModel) (servers []*modelServer) {
	of := make(map[*backend.Backend]*modelServer)
	for _, m := range models {
		s := of[m.Backend]
		if s == nil {
			s = &modelServer{backend: m.Backend}
			of[m.Backend] = s
			servers = append(servers, s)
		}
		s.models = append(s.models, m)
	}
	return servers
}

// look asks the server once which models it has now, however many are for sale, and returns those of them that it has. Where its list has
// changed, or it was away and may have been started anew with other settings, find says what is for sale from now on. The error says why
// something is missing; what find could not find out is asked again the next time.
func (s *modelServer) look(ctx context.Context, find func(context.Context, *backend.Backend) ([]ServedModel, error)) ([]ServedModel, error) {
	listing, err := s.backend.Listed(ctx)
	if err != nil {
		s.away = true
		return nil, fmt.Errorf("%s: %w", s.backend.URL(), err)
	}
	var ready []ServedModel
	var missing []error
	for _, m := range s.models {
		if err := listing.Has(m.BackendModel); err != nil {
			missing = append(missing, fmt.Errorf("%s: %w", s.backend.URL(), err))
			continue
		}
		ready = append(ready, m)
	}
	if changed := s.away || s.listed != nil && !maps.Equal(listing, s.listed); changed && find != nil {
		found, err := find(ctx, s.backend)
		if err != nil {
			return ready, errors.Join(append(missing, err)...)
		}
		ready, s.models = found, found
	}
	s.listed, s.away = listing, false
	return ready, errors.Join(missing...)
}
