# Everything runs in .venv, which the first target that needs it makes. To use another Python: make PY=python3.13 install

PY ?= python3
PIP_VERSION := 26.3
PLUGINS := plugins/mist-plugin-tensorboard plugins/mist-plugin-wandb plugins/mist-plugin-optuna \
	plugins/mist-plugin-dask
# These need older versions than constraints.txt has, and so an environment of their own.
APART := plugins/mist-plugin-mlflow plugins/mist-plugin-trackio

BIN := .venv/bin
STAMP := .venv/.installed
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
APART_BIN := .venv-plugins/bin
APART_STAMP := .venv-plugins/.installed
APART_INSTALL := $(APART_BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help install demo test test-slow test-plugins lint format docs bench clean

help:
	@echo "make install | demo | test | test-slow | test-plugins | lint | format | docs | bench | clean"

install: $(STAMP)

# One call to pip, so that the pinned torch is found before anything asks for a torch of its own liking.
$(STAMP): Makefile pyproject.toml constraints.txt $(PLUGINS:=/pyproject.toml)
	$(PY) -m venv .venv
	$(INSTALL) pip==$(PIP_VERSION)
	$(INSTALL) --constraint constraints.txt --build-constraint constraints.txt \
		--editable . $(addprefix --editable ,$(PLUGINS)) --group dev
	touch $@

demo: install
	$(BIN)/python examples/demo.py

test: install
	$(BIN)/python -m pytest -m "not slow"

test-slow: install
	$(BIN)/python -m pytest -m slow

# The tests that `make test` skips. What plugins/constraints.txt says goes before constraints.txt.
test-plugins: $(APART_STAMP)
	TRACKIO_DIR=$(CURDIR)/.venv-plugins/trackio $(APART_BIN)/python -m pytest $(APART:=/tests)

$(APART_STAMP): Makefile pyproject.toml constraints.txt plugins/constraints.txt $(APART:=/pyproject.toml)
	$(PY) -m venv .venv-plugins
	awk -F== 'NR == FNR { own[tolower($$1)] } NR == FNR || !(tolower($$1) in own)' \
		plugins/constraints.txt constraints.txt > .venv-plugins/constraints.txt
	$(APART_INSTALL) pip==$(PIP_VERSION)
	$(APART_INSTALL) --constraint .venv-plugins/constraints.txt --build-constraint .venv-plugins/constraints.txt \
		--editable . --editable plugins/mist-plugin-tensorboard $(addprefix --editable ,$(APART)) pytest
	touch $@

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Into docs/_build/html; a warning is an error.
docs: install
	$(BIN)/python -m sphinx -q -W --keep-going docs docs/_build/html

# The short ones, some minutes in all; a peer that is not installed is left out. The others are run by name.
BENCHMARKS := startup plugins imports neighbours performance training threads parity

bench: install
	failed=0; for name in $(BENCHMARKS); do \
		echo "== $$name"; $(BIN)/python benchmarks/$$name.py || failed=1; done; exit $$failed

clean:
	rm -rf .venv .venv-plugins build dist docs/_build .mypy_cache .ruff_cache .pytest_cache
