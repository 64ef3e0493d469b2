# `make serve` and `make test` are all a newcomer needs; both make .venv when it is missing.
# `make serve STUDIO=1` and `make test-studio` bring every stage, in .venv-studio.
PYTHON ?= python3
VENV := $(if $(STUDIO),.venv-studio,.venv)
BIN := $(VENV)/bin
NEEDS := $(if $(STUDIO),requirements-studio.txt requirements.txt,requirements.txt)
PIP := $(BIN)/pip install --disable-pip-version-check
# Tests of one module share its server, so they stay on one worker (tests/conftest.py).
PARALLEL := -n 2 --dist loadgroup

.PHONY: serve test test-all test-studio studio-suite test-contract peers studio test-contract-newest compatibility lint bench bench-speakers soak fuzz clean

serve: $(VENV)/.serve
	$(BIN)/python server.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL)

# Everything but the studio, with the programs of other people, and how much of the code it runs.
test-all: $(VENV)/.dev peers
	$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/studio --cov --cov-report=term:skip-covered

test-studio:
	$(MAKE) STUDIO=1 studio-suite

studio-suite: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) tests/studio

studio:
	$(MAKE) STUDIO=1 .venv-studio/.dev

PEERS := .venv-peers/.ready tests/contract/node/node_modules/.ready

peers: $(PEERS)

test-contract: $(VENV)/.dev $(PEERS)
	$(BIN)/python -m pytest $(PARALLEL) tests/contract

# The newest official client instead of the pinned one; no part of what must pass.
test-contract-newest: $(VENV)/.dev
	$(PIP) --no-deps --upgrade --target .openai-newest openai
	PYTHONPATH=.openai-newest $(BIN)/python -m pytest tests/contract/test_python*.py

compatibility: $(VENV)/.dev $(PEERS)
	WRITE_COMPATIBILITY=docs/compatibility.md $(BIN)/python -m pytest -m contract

.venv-peers/.ready: requirements-peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --disable-pip-version-check -r requirements-peers.txt
	touch $@

tests/contract/node/node_modules/.ready: tests/contract/node/package-lock.json
	npm ci --prefix $(@D)/.. && touch $@ || echo "The Node client could not be fetched: its tests are skipped." >&2

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers 2 .
	$(BIN)/hadolint Dockerfile

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks all

bench-speakers: $(VENV)/.bench
	$(BIN)/python -m benchmarks speakers

bench-%: $(VENV)/.bench
	$(BIN)/python -m benchmarks $*

soak: bench-soak

FUZZ_CASES ?= 10000
FUZZ_SEED ?= 1

# Damaged and hostile files through a server without models; fails when a bound is broken.
fuzz: $(VENV)/.dev
	$(BIN)/python -m benchmarks.files.fuzz --cases $(FUZZ_CASES) --seed $(FUZZ_SEED)

clean:
	rm -rf .venv .venv-studio .venv-peers .openai-newest tests/contract/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage dist

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv module is incomplete here; on Debian: apt install python3-venv" >&2; exit 1; }

$(VENV)/.serve: $(NEEDS) | $(BIN)/pip
	$(PIP) -r $(firstword $(NEEDS))
	touch $@

$(VENV)/.dev: requirements-dev.txt $(NEEDS) | $(BIN)/pip
	$(PIP) -r $(firstword $(NEEDS)) -r requirements-dev.txt
	touch $@ $(VENV)/.serve

$(VENV)/.bench: requirements-bench.txt requirements-dev.txt $(NEEDS) | $(BIN)/pip
	$(PIP) -r $(firstword $(NEEDS)) -r requirements-bench.txt
	touch $@ $(VENV)/.dev $(VENV)/.serve
