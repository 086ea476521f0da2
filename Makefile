# Targets are documented by the "##" after them; "make" or "make help" lists them.

GO       ?= go
NPM      ?= npm
FUZZTIME ?= 10s

BINARY  := bin/moqedge
MODULES := web/node_modules/.package-lock.json

# Other implementations, for "make interop" and "make interop-rust".
PEERS     := moq/conformance/interop/peers
RUST      := bin/rust
MOQ_RELAY := 0.17.8
MOQ_CLI   := 0.14.8

# Packages where goroutines share memory are tested with the race detector,
# all others without. No test runs twice, except for those that do a part of their
# work with the race detector (the constant raced) and all of it without: SLOW.
RACY    := ./moq/... ./relay/... ./bridge/... ./bench/media ./bench/tally
PLAIN    = $(shell $(GO) list ./... | grep -v -E '^moqedge/(moq|relay|bridge|bench/media|bench/tally)(/|$$)')
SLOW    := -run '^(TestFailover|TestFailoverOfProcesses|TestFullLink|TestTracksOverOneLink|TestStranded.*|TestSecondLossDuringHandover)$$' ./relay
# Tests of latency beside a load, which have the machine for themselves.
ALONE   := ^TestFloods
GOFILES := bench bridge certs cmd moq relay $(wildcard web/*.go)

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
# On a terminal the demo gets a process group of its own (bash -m), so that
# Ctrl-C ends it and not make, which then succeeds.
demo: web build ## build everything and run it: relays, ingests, pages and a clip
	@if [ -t 0 ]; then bash -mc '$(BINARY) demo $(ARGS)'; else exec $(BINARY) demo $(ARGS); fi

.PHONY: build
build: ## build bin/moqedge; needs Go alone
	$(GO) build -o $(BINARY) ./cmd/moqedge

.PHONY: web
web: $(MODULES) ## build the player into web/dist, which is committed
	cd web && $(NPM) run --silent build

$(MODULES): web/package.json web/package-lock.json | node
	cd web && $(NPM) ci --no-audit --no-fund
	@touch $@

.PHONY: test
# The last tests measure latency in a browser and have the machine for themselves.
test: tools $(MODULES) checkfmt ## install what tests need and run all of them
	$(GO) vet ./...
	cd web && $(NPM) run --silent check
	cd web && $(NPM) run --silent test
	CGO_ENABLED=1 $(GO) test -race -timeout 10m $(RACY)
	$(GO) test -timeout 10m -skip '$(ALONE)' $(PLAIN)
	$(GO) test -timeout 10m $(SLOW)
	$(GO) test -timeout 10m -run '$(ALONE)' ./cmd/moqedge
	cd cmd/moqedge/deploy && $(GO) vet . && $(GO) test -timeout 10m .
	cd web && $(NPM) run --silent e2e

.PHONY: race
race: tools $(MODULES) ## run all Go tests with the race detector
	CGO_ENABLED=1 $(GO) test -race -timeout 30m ./...

.PHONY: interop
interop: tools $(MODULES) $(PEERS)/node_modules/.package-lock.json ## try other implementations from Go and npm; see moq/conformance/INTEROP.md
	cd $(PEERS) && ../../../../web/node_modules/.bin/tsc --noEmit -p tsconfig.json
	cd $(PEERS) && node run.mjs

$(PEERS)/node_modules/.package-lock.json: $(PEERS)/package.json $(PEERS)/package-lock.json | node
	cd $(PEERS) && $(NPM) ci --no-audit --no-fund
	@touch $@

.PHONY: interop-rust
interop-rust: tools $(MODULES) $(RUST)/relay-$(MOQ_RELAY) $(RUST)/cli-$(MOQ_CLI) ## build moq-relay and moq-cli with cargo (10 minutes and more) and try them
	cd $(PEERS) && RUST=$(CURDIR)/$(RUST)/bin node run.mjs rust

# Without optimisation and without what only other transports need: it builds
# in a third of the time.
CARGO = CARGO_TARGET_DIR=$(CURDIR)/$(RUST)/target cargo install --locked --debug --root $(RUST) --no-default-features --features noq

$(RUST)/relay-$(MOQ_RELAY): | cargo
	$(CARGO) moq-relay@$(MOQ_RELAY)
	@touch $@

$(RUST)/cli-$(MOQ_CLI): | cargo
	$(CARGO) moq-cli@$(MOQ_CLI)
	@touch $@

.PHONY: bench-relay
bench-relay: ## measure the relay against bare QUIC: WHAT=fanout, ARGS=flags; see bench/RESULTS.md
	@$(GO) build -o bin/bench-relay ./bench/relay
	@bin/bench-relay $(or $(WHAT),fanout) $(ARGS)

.PHONY: image
VERSION = $(shell git describe --tags --always --dirty)
image: ## build the container image moqedge:latest with docker
	docker build -f cmd/moqedge/deploy/docker/Dockerfile -t moqedge --build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse HEAD) .

.PHONY: soak
DURATION ?= 30m
soak: ## a relay for DURATION (30m) with an upstream that dies, 200 subscribers and others who come and go
	$(GO) run ./bench/relay soak -duration $(DURATION) $(ARGS)

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s)
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$package; \
		done; \
	done

.PHONY: conformance
conformance: ## run the tests of MOQT's 218 rules for a relay, print the table
	$(GO) run ./moq/conformance/report $(ARGS)

.PHONY: lint
lint: checkfmt ## gofmt, go vet and golangci-lint
	$(GO) vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else \
		echo "golangci-lint (version 2) is not installed: see https://golangci-lint.run/docs/welcome/install/" >&2; exit 1; fi

.PHONY: fmt
fmt: ## format all Go files
	gofmt -w $(GOFILES)

.PHONY: picture
picture: $(MODULES) build ## take the pictures of the documentation from what runs
	cd web && node picture.mjs ../$(BINARY) ../docs/player.png
	cd web && node picture-status.mjs ../$(BINARY) ../docs/status.png

.PHONY: clean
clean: ## remove what was built, except the committed player
	rm -rf bin web/node_modules $(PEERS)/node_modules

# What follows is for the targets above.

.PHONY: checkfmt
checkfmt:
	@unformatted=$$(gofmt -l $(GOFILES)); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run \"make fmt\":" $$unformatted >&2; exit 1; fi

.PHONY: node
node:
	@major=$$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0); \
	if [ "$$major" -lt 20 ]; then echo "Node 20 or newer is needed to build the player: install it from https://nodejs.org" >&2; exit 1; fi

.PHONY: cargo
cargo:
	@if ! command -v cargo >/dev/null; then \
		echo "moq-relay and moq-cli are built with cargo, of Rust 1.95 or newer: install it from https://rustup.rs" >&2; exit 1; fi

# gcc is for the race detector, the others for the end-to-end tests.
.PHONY: tools
tools:
	@missing=; for tool in chromium ffmpeg gcc; do \
		command -v $$tool >/dev/null || missing="$$missing $$tool"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "the tests need$$missing: install them, on Debian as root with: apt-get install$$missing" >&2; exit 1; \
	fi; \
	set -e; apt-get update -q; \
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing libc6-dev
