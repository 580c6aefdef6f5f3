# Targets are documented by the text behind "##"; `make` alone prints them.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
BIN     := $(CURDIR)/bin
TOOLS   := $(BIN)/tools
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -X main.version=$(VERSION)
FUZZTIME ?= 10s
EVENTS  ?= 10000000
CHAOSTIME ?= 60s
VENV    ?= $(CURDIR)/.venv
PKGS    := ./...
MODULES := examples/worker-minimal
# Without cgo a program needs no C library: one file runs on any Linux, starts
# sooner and is 1 MiB smaller in memory. On darwin the system's figures need cgo.
STATIC  := $(if $(filter linux,$(shell $(GO) env GOOS)),CGO_ENABLED=0)

.PHONY: help build plugins demo test race simulate conformance lint vet fmt generate generate-check tidy-check cross bench chaos fuzz golden interop tools venv clean ci

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the gdask command and the examples into bin/
	@mkdir -p $(BIN)
	$(STATIC) $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/gdask ./examples/wordcount ./examples/quickstart ./examples/coordinate

plugins: ## build the example worker plugin into bin/plugins/, where bin/gdask finds it
	@mkdir -p $(BIN)/plugins
	cd examples/worker-minimal && $(STATIC) $(GO) build -trimpath -o $(BIN)/plugins/gdask-plugin-worker-mycustom .

demo: build plugins ## count the words of Go's source tree on workers of a plugin class
	@examples/wordcount/demo.sh $(BIN)

test: ## run all tests (no network, no Python, no root)
	$(GO) test -timeout 5m $(PKGS)

race: ## run all tests with the race detector
	$(GO) test -race -timeout 10m $(PKGS)

simulate: ## simulate clusters under faults for EVENTS events (default 10 million), on the seeds of the day
	$(GO) test -count=1 -timeout 60m -run 'TestWorlds' -v ./core/scheduler/simulate -events=$(EVENTS) -first=$$(date +%Y%m%d0000)

conformance: build plugins ## run the conformance suites on the example plugin, worker classes and transports
	$(BIN)/gdask plugin test mycustom
	$(BIN)/gdask plugin test threadpool
	$(GO) test ./sdk/conformance/... ./builtin/comm/...
	for m in $(MODULES); do (cd $$m && $(GO) vet ./... && $(GO) test ./...); done

lint: $(TOOLS)/golangci-lint ## run golangci-lint with the rules of .golangci.yml
	$(TOOLS)/golangci-lint run --timeout 10m $(PKGS)

vet: ## check formatting and run go vet
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not formatted, run make fmt:"; echo "$$out"; exit 1; }
	$(GO) vet $(PKGS)

fmt: ## format all Go files
	gofmt -w $$(git ls-files '*.go')

generate: $(TOOLS)/msgp ## regenerate message codecs and plugin contracts (needs protoc)
	PATH=$(TOOLS):$$PATH $(GO) generate $(PKGS)

generate-check: generate ## fail when generated files differ from what generate makes
	@git diff --exit-code -I 'protoc  *v' -- '*_gen.go' '*.pb.go' || { echo "generated code is stale: commit what make generate wrote"; exit 1; }
	@new=$$(git ls-files --others --exclude-standard -- '*_gen.go' '*.pb.go'); test -z "$$new" || { echo "generated code is not committed: $$new"; exit 1; }

tidy-check: ## fail when go.mod or go.sum are not tidy
	$(GO) mod tidy -diff
	for m in $(MODULES); do (cd $$m && $(GO) mod tidy -diff); done

cross: ## check that other systems compile: macOS with its tests, Windows without
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) vet $(PKGS)
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build $(PKGS)

bench: build ## run the benchmarks, then gdask bench for processes and threads
	$(GO) test -run '^$$' -bench . -benchmem -benchtime 0.5s ./sdk/wire ./core/scheduler/state
	$(BIN)/gdask bench --processes --reference
	$(BIN)/gdask bench --threads --reference

chaos: build ## run random graphs for CHAOSTIME (default 60s) on workers that are killed, frozen, starved, cut off
	$(BIN)/gdask chaos --duration $(CHAOSTIME)

fuzz: ## fuzz every target for FUZZTIME (default 10s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r d; do \
	  grep -ho '^func Fuzz[A-Za-z0-9_]*' $$d/*_test.go | sed 's/func //' | while read -r f; do \
	    echo "== $$d $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$d </dev/null || exit 1; \
	  done || exit 1; done

venv: $(VENV)/.ready ## make the Python environment that interop uses

$(VENV)/.ready: sdk/python/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r sdk/python/requirements.txt
	touch $@

golden: venv ## make the golden vectors of the wire anew with distributed, which also reads what Go writes
	$(VENV)/bin/python sdk/python/golden/make_golden.py
	@rm -rf $(BIN)/golden && mkdir -p $(BIN)/golden
	GDASK_GOLDEN_OUT=$(BIN)/golden $(GO) test -count=1 -run Golden ./sdk/wire
	$(VENV)/bin/python sdk/python/golden/make_golden.py --check $(BIN)/golden
	@git diff --exit-code --stat -- sdk/wire/testdata/golden || { echo "distributed writes other bytes than the golden vectors: look, then commit"; exit 1; }

interop: build venv golden ## run the suite against unmodified Python workers and clients
	GDASK_BIN=$(BIN)/gdask GDASK_PYTHON=$(VENV)/bin/python timeout 600 $(VENV)/bin/python -m pytest -q sdk/python/tests sdk/python/interop

tools: $(TOOLS)/golangci-lint ## build the pinned tools (minutes, once)

$(TOOLS)/golangci-lint $(TOOLS)/msgp &: .tools/go.mod .tools/go.sum
	@mkdir -p $(TOOLS)
	cd .tools && $(GO) build -o $(TOOLS)/ tool
	@touch $(TOOLS)/golangci-lint $(TOOLS)/msgp

ci: ## everything a change must pass
	$(MAKE) vet
	$(MAKE) lint
	$(MAKE) generate-check tidy-check
	$(MAKE) build cross
	$(MAKE) race
	$(MAKE) conformance
	$(MAKE) chaos CHAOSTIME=15s
	$(MAKE) interop

clean: ## remove what the other targets made
	rm -rf $(BIN) $(VENV) dist
	$(GO) clean -testcache
