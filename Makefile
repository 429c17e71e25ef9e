# Everything runs in .venv, which the first target that needs it makes. To use another Python: make PY=python3.13 install

PY ?= python3
PIP_VERSION := 26.3
PLUGINS := plugins/mist-plugin-tensorboard

BIN := .venv/bin
STAMP := .venv/.installed
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help install demo test test-slow lint format bench clean

help:
	@echo "make install | demo | test | test-slow | lint | format | bench | clean"

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

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: install
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit; done

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache
