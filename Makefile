# `make serve` and `make test` are all a newcomer needs; both make .venv when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: serve test lint bench clean

serve: $(VENV)/.serve
	$(BIN)/python server.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks all

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv module is incomplete here; on Debian: apt install python3-venv" >&2; exit 1; }

$(VENV)/.serve: requirements.txt | $(BIN)/pip
	$(BIN)/pip install --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(BIN)/pip
	$(BIN)/pip install --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/.serve

$(VENV)/.bench: requirements-bench.txt requirements-dev.txt requirements.txt | $(BIN)/pip
	$(BIN)/pip install --disable-pip-version-check -r requirements-bench.txt
	touch $@ $(VENV)/.dev $(VENV)/.serve
