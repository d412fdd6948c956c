# `make` alone says what there is to make.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
#: Instances for `make up`, e.g. SCALE="consumption=2 gateway=2".
SCALE ?=
#: How often `make chaos` repeats its set.
N ?= 3
#: Options for pytest, the demo or the bench.
ARGS ?=

# Behind a proxy that signs anew, uv, pip, jgo and node must trust what the system trusts.
export UV_SYSTEM_CERTS := 1
SYSTEM_CERTS := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem))
ifneq ($(SYSTEM_CERTS),)
export REQUESTS_CA_BUNDLE ?= $(SYSTEM_CERTS)
export NODE_EXTRA_CA_CERTS ?= $(SYSTEM_CERTS)
endif
export PYTHON

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
setup: dev ## make .venv with the locked packages, fetch Kafka
up: runtime ## start everything and return when it is ready (SCALE="consumption=2")
	@$(BIN)/replenish up $(addprefix --scale ,$(SCALE))
down: runtime ## stop what `make up` started; the data stays
	@$(BIN)/replenish down
status: runtime ## where everything is and how it is
	@$(BIN)/replenish status
logs: runtime ## follow all logs
	@$(BIN)/replenish logs --follow
# Its mail catcher is one of the development packages.
demo: runtime ## a year of real households on real Kafka and Postgres, with the books at the end
	@$(BIN)/replenish demo $(ARGS)

##@ Check

.PHONY: check fix unit contract integration e2e test chaos bench
check: dev ## every rule, changing nothing: what commit hook and CI run
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy deploy services libs tests
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/yamllint --strict docker-compose.yml .github deploy
	@$(BIN)/python -m deploy.contracts check
	@$(BIN)/pytest -q -p no:cacheprovider tests/contract
fix: dev ## repair what ruff can repair
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
unit: dev ## is each decision right
	@$(BIN)/pytest tests/unit $(ARGS)
contract: dev ## do messages, providers, files and licences keep what was agreed
	@$(BIN)/pytest tests/contract $(ARGS)
integration: dev ## do SQL and handlers work on the real broker and database
	@$(BIN)/pytest tests/integration $(ARGS)
e2e: dev ## does the whole journey happen
	@$(BIN)/pytest tests/e2e $(ARGS)
test: dev ## all tests, one process more than there are cores, one pass of chaos included
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile tests $(ARGS)
chaos: dev ## break everything N times, and 2,000 orders through faulty shops
	@CHAOS_ROUNDS=$(N) $(BIN)/pytest tests/chaos tests/integration/order_dispatch/outward/test_fault_mix.py $(ARGS)
bench: dev ## rates against bare loops, written to out/bench.json
	@$(BIN)/python -m tests.bench $(ARGS)

##@ Make

.PHONY: contracts lock
contracts: dev ## write schemas, examples, AsyncAPI and tables from the events
	@$(BIN)/python -m deploy.contracts write
lock: ## choose versions anew and write both locks
	@deploy/setup.sh dev
	@$(COMPILE) pyproject.toml -o requirements.lock
	@$(COMPILE) pyproject.toml --group dev -o requirements-dev.lock

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
