# `make` without a target lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
#: Instance counts for `make up`, e.g. SCALE="consumption=2 gateway=2".
SCALE ?=
#: Repetitions of the set in `make chaos`.
N ?= 3
#: Options for pytest, the demo or the bench.
ARGS ?=

# Behind a TLS-inspecting proxy, uv, pip, jgo and node must use the system's certificates.
export UV_SYSTEM_CERTS := 1
SYSTEM_CERTS := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem))
ifneq ($(SYSTEM_CERTS),)
export REQUESTS_CA_BUNDLE ?= $(SYSTEM_CERTS)
export NODE_EXTRA_CA_CERTS ?= $(SYSTEM_CERTS)
endif
export PYTHON

# Tests start more than a hundred processes; without stored bytecode each compiles all modules again for a second.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/bytecode

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: runtime dev
runtime:
	@deploy/setup.sh runtime
dev:
	@deploy/setup.sh dev

##@ Start

.PHONY: setup up down status logs demo
setup: dev ## create .venv with the locked packages, download Kafka
up: runtime ## start everything; return when ready (SCALE="consumption=2")
	@$(BIN)/replenish up $(addprefix --scale ,$(SCALE))
down: runtime ## stop what `make up` started; data is kept
	@$(BIN)/replenish down
status: runtime ## show addresses and condition of all processes
	@$(BIN)/replenish status
logs: runtime ## follow all logs
	@$(BIN)/replenish logs --follow
# Needs the mail server from the development packages.
demo: runtime ## run a year of real households on real Kafka and Postgres, then verify the result
	@$(BIN)/replenish demo $(ARGS)

##@ Check

.PHONY: check fix unit contract integration e2e test chaos bench
check: dev ## run all static checks without changing files, as commit hook and CI do
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy deploy services libs tests
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/yamllint --strict docker-compose.yml .github deploy
	@$(BIN)/python -m deploy.reference.contracts check
	@$(BIN)/pytest -q -p no:cacheprovider tests/contract
fix: dev ## apply ruff's fixes and formatting
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
unit: dev ## unit tests: decisions
	@$(BIN)/pytest tests/unit $(ARGS)
contract: dev ## contract tests: messages, providers, files, licences
	@$(BIN)/pytest tests/contract $(ARGS)
integration: dev ## integration tests: SQL and handlers on a real broker and database
	@$(BIN)/pytest tests/integration $(ARGS)
e2e: dev ## end-to-end tests on the whole stack
	@$(BIN)/pytest tests/e2e $(ARGS)
test: dev ## all tests in parallel, including one pass of chaos
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile tests $(ARGS)
chaos: dev ## fault injection N times, and 2,000 orders through faulty shops
	@CHAOS_ROUNDS=$(N) $(BIN)/pytest tests/chaos tests/integration/order_dispatch/providers_http/test_fault_mix.py $(ARGS)
bench: dev ## measure rates against bare loops; writes out/bench.json
	@$(BIN)/python -m tests.bench $(ARGS)

##@ Make

.PHONY: contracts lock
contracts: dev ## generate schemas, examples, AsyncAPI and reference pages
	@$(BIN)/python -m deploy.reference.contracts write
lock: ## resolve versions again and write both locks
	@deploy/setup.sh dev
	@$(COMPILE) pyproject.toml -o requirements.lock
	@$(COMPILE) pyproject.toml --group dev -o requirements-dev.lock

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
