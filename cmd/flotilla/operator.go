package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"flotilla/node"
	"flotilla/node/backend"
	"flotilla/routing/catalogue"
	"flotilla/settlement"
)

type operatorCmd struct {
	chainFlags
	keyFlags
	fleetFlags
	Backend     []string          `help:"Base URLs of OpenAI-compatible servers; without any, Ollama, llama.cpp, vLLM and LM Studio are looked for on their usual local ports." env:"FLOTILLA_BACKENDS" placeholder:"URL"`
	BackendKey  map[string]string `help:"Key of a model server that wants one (vLLM's --api-key), URL=KEY; * for the others. Other users of the machine can read flags: set it in the environment or the file." env:"FLOTILLA_BACKEND_KEYS" placeholder:"URL=KEY"`
	Price       map[string]string `help:"Price by model in USD per million tokens, MODEL=IN/OUT or MODEL=IN/OUT/PER_REQUEST; * for the others." env:"FLOTILLA_PRICES" placeholder:"MODEL=IN/OUT"`
	Model       []string          `help:"Models to serve; without any, every one that has a price." env:"FLOTILLA_MODELS" placeholder:"MODEL"`
	Embedding   []string          `help:"Models that make vectors of texts, of servers that do not say which do (vLLM and other OpenAI-compatible ones); Ollama, llama.cpp and LM Studio say it." env:"FLOTILLA_EMBEDDING_MODELS" placeholder:"MODEL"`
	Stake       usd               `help:"Stake in USD, topped up at start; caps what is paid out in an epoch." env:"FLOTILLA_STAKE" default:"0"`
	CreditLimit usd               `help:"USD that a gateway may owe without a voucher." env:"FLOTILLA_CREDIT_LIMIT" default:"0.10" positive:""`
	Concurrency int               `help:"Requests served at once." env:"FLOTILLA_CONCURRENCY" default:"4" positive:""`
	AdvertEvery time.Duration     `help:"How often prices are signed anew." env:"FLOTILLA_ADVERT_EVERY" default:"10m" positive:""`
	P2PListen   []string          `help:"libp2p listen multiaddrs. None is fine: operators dial out, so a machine behind NAT can serve." name:"p2p-listen" env:"FLOTILLA_P2P_LISTEN" placeholder:"ADDR"`
}

// Run serves until the process is asked to stop.
func (c *operatorCmd) Run(ctx context.Context, s *streams) error {
	key, err := c.load()
	if err != nil {
		return err
	}
	models, goods, err := c.models(ctx, s.log)
	if err != nil {
		return err
	}
	chain, domain, err := c.await(ctx, key, s.log)
	if err != nil {
		return err
	}
	defer func() { _ = chain.Close() }()
	n, err := node.Open(ctx, node.Config{
		DataDir: c.DataDir, Key: key, Domain: domain, Chain: chain, ChainPoll: c.ChainPoll, AdminListen: c.AdminListen, Listen: c.P2PListen, Bootstrap: c.Bootstrap, Logger: s.log,
		Operator: &node.OperatorConfig{
			Models: models, Find: goods.find,
			Stake: settlement.Amount(c.Stake), CreditLimit: settlement.Amount(c.CreditLimit),
			MaxConcurrent: c.Concurrency, MaxPerGateway: c.Concurrency, AdvertEvery: c.AdvertEvery,
		},
	})
	if err != nil {
		return err
	}
	for _, m := range models {
		what := ""
		if slices.Contains(m.Features, backend.FeatureEmbeddings) {
			what = " (embeddings)"
		} else if catalogue.Parse(m.Model).NoChat {
			what = " (answers no chats by its name: asked only by who names it)"
		}
		if m.BackendModel != m.Model {
			what += " as " + plain(m.BackendModel)
		}
		fmt.Fprintf(s.out, "serving %s%s from %s\n", m.Model, what, m.Backend.URL())
	}
	if _, err := os.Stat(filepath.Join(c.DataDir, node.PeersFileName)); err != nil && len(c.Bootstrap)+len(c.P2PListen) == 0 {
		s.log.Warn("no gateway is known, so none will ask: give --bootstrap ADDR, which a gateway prints")
	}
	return runAndClose(ctx, n)
}

// forSale says what of a model server is served, and for how much.
type forSale struct {
	prices     priceList
	only       []string // models; none: all
	embeddings []string
	log        *slog.Logger
}

// stock is what a server has of what is for sale, and what is left out.
type stock struct {
	served            []node.ServedModel
	unpriced, unasked []string
}

// models finds the local servers and joins what they have with what is for sale.
func (c *operatorCmd) models(ctx context.Context, log *slog.Logger) ([]node.ServedModel, forSale, error) {
	prices, err := parsePrices(c.Price)
	if err != nil {
		return nil, forSale{}, err
	}
	goods := forSale{prices, c.Model, c.Embedding, log}
	backends, err := c.backends(ctx)
	if err != nil {
		return nil, goods, err
	}
	var all stock
	for _, b := range backends {
		s, err := goods.of(ctx, b)
		if err != nil {
			return nil, goods, err
		}
		all = stock{append(all.served, s.served...), append(all.unpriced, s.unpriced...), append(all.unasked, s.unasked...)}
	}
	if len(all.served) == 0 {
		return nil, goods, nothingServed(all.unpriced, all.unasked)
	}
	return all.served, goods, nil
}

// of asks a server for its models.
func (f forSale) of(ctx context.Context, b *backend.Backend) (s stock, _ error) {
	found, err := b.Models(ctx)
	if err != nil {
		return s, fmt.Errorf("list models of %s: %w (%s)", b.URL(), err, unlisted(err))
	}
	for _, m := range found {
		id := catalogue.ID(m.ID)
		if len(f.only) > 0 && !slices.Contains(f.only, id) && !slices.Contains(f.only, m.ID) {
			s.unasked = append(s.unasked, id)
			continue
		}
		if slices.Contains(f.embeddings, id) || slices.Contains(f.embeddings, m.ID) {
			m.Features = []string{backend.FeatureEmbeddings}
		}
		price, ok := f.prices.of(id, m.ID)
		if !ok {
			s.unpriced = append(s.unpriced, id)
			f.log.Warn("model has no price and is not served", "model", id, "hint", "--price "+id+"=IN/OUT")
			continue
		}
		s.served = append(s.served, node.Served(b, m, id, price))
	}
	return s, nil
}

// find is what of a server is served now.
func (f forSale) find(ctx context.Context, b *backend.Backend) ([]node.ServedModel, error) {
	s, err := f.of(ctx, b)
	return s.served, err
}

// nothingServed says what to do where of all that the servers list nothing is left.
func nothingServed(unpriced, unasked []string) error {
	switch {
	case len(unpriced) > 0:
		return fmt.Errorf("nothing to serve: %q have no price: give --price MODEL=IN/OUT in USD per million tokens (MODEL * is for all others)", unpriced)
	case len(unasked) > 0:
		return fmt.Errorf("nothing to serve: --model names none of %q, which the model servers list", unasked)
	}
	return errors.New("nothing to serve: the model servers list no model: load one there (with Ollama: ollama pull MODEL) and start again")
}

func (c *operatorCmd) backends(ctx context.Context) ([]*backend.Backend, error) {
	urls := c.Backend
	if len(urls) == 0 {
		urls = backend.Detect(ctx, nil)
	}
	if len(urls) == 0 {
		return nil, errors.New("no model server found on this machine: start Ollama, llama.cpp, vLLM or LM Studio, or name one with --backend URL")
	}
	keys := make(map[string]string, len(c.BackendKey))
	for url, key := range c.BackendKey {
		keys[backend.Root(url)] = key
		if url != "*" && !slices.ContainsFunc(urls, func(u string) bool { return backend.Root(u) == backend.Root(url) }) {
			return nil, fmt.Errorf("--backend-key %s: there is no --backend %[1]s", url)
		}
	}
	var out []*backend.Backend
	for _, url := range urls {
		key, ok := keys[backend.Root(url)]
		if !ok {
			key = keys["*"]
		}
		b, err := backend.New(url, backend.Options{APIKey: key})
		if err != nil {
			return nil, fmt.Errorf("--backend %s: %w", url, err)
		}
		out = append(out, b)
	}
	return out, nil
}

// unlisted says what to do where a server does not tell its models.
func unlisted(err error) string {
	var refused *backend.UpstreamError
	if errors.As(err, &refused) && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden) {
		return "it wants a key: give --backend-key URL=KEY, or FLOTILLA_BACKEND_KEYS"
	}
	return "is the model server running, and --backend its address?"
}

type priceList map[string]settlement.Price

func (p priceList) of(names ...string) (settlement.Price, bool) {
	for _, n := range append(names, "*") {
		if price, ok := p[n]; ok {
			return price, true
		}
	}
	return settlement.Price{}, false
}

// parsePrices reads MODEL=IN/OUT[/PER_REQUEST] in USD (per million tokens, and flat).
func parsePrices(in map[string]string) (priceList, error) {
	out := make(priceList, len(in))
	for model, text := range in {
		parts := strings.Split(text, "/")
		if len(parts) < 2 || len(parts) > 3 {
			return nil, fmt.Errorf("--price %s=%s: want IN/OUT or IN/OUT/PER_REQUEST in USD", model, text)
		}
		var units [3]uint64
		for i, part := range parts {
			a, err := settlement.ParseAmount(part)
			if err != nil {
				return nil, fmt.Errorf("--price %s=%s: part %s: %w", model, text, strconv.Itoa(i+1), err)
			}
			units[i] = uint64(a)
		}
		out[model] = settlement.Price{InputPerMTok: units[0], OutputPerMTok: units[1], PerRequest: units[2]}
	}
	return out, nil
}
