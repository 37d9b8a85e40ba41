# Everything works from a bare clone with Python (3.11 or newer) and make.
# Each target installs what it needs into .venv, once, and again when pyproject.toml changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A file stays with one worker: the examples of a document build on one another. A worker that dies ends
# the run, since the others would wait for it.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --max-worker-restart 0

# Once more without llvmlite and optree: what takes arguments apart, and `compile` without native code.
LIGHT := tests/engine/test_containers.py tests/engine/test_transforms.py tests/graph/test_tracing.py \
	tests/ledger/test_explain.py tests/compiler/test_plain.py

# What shows most slips soonest: every record, the engine, a trace, compiled code, source code, the rooms.
FAST := tests/ops/test_primitives.py tests/compiler/test_primitives.py tests/compiler/test_arguments.py \
	tests/engine/test_tensor.py tests/engine/test_transforms.py tests/engine/test_errors.py tests/engine/test_in_place.py \
	tests/engine/test_views.py tests/engine/test_containers.py tests/graph tests/ledger/test_explain.py \
	tests/emit/test_source.py tests/emit/test_names.py tests/test_architecture.py README.md

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-all fuzz coverage bench lint dist clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/.demo  ## print two ledgers, draw them, train on handwritten digits (writes demo/)
	$(BIN)/python examples/neuron.py demo/neuron.svg
	$(BIN)/python examples/two_layer.py demo/two_layer.svg
	$(BIN)/python examples/digits.py demo/loss.svg

test: $(VENV)/.test  ## run the tests, of records × samples × modes a fair part
	$(PYTEST)
	$(PYTEST) --light $(LIGHT)

test-fast: $(VENV)/.test  ## run what may break between two edits, in under a minute
	$(PYTEST) --hypothesis-profile=fast $(FAST)

test-all: $(VENV)/.oracles  ## run all tests, with PyTorch and JAX to compare with, on everything
	$(PYTEST) --hypothesis-profile=all

fuzz: $(VENV)/.oracles  ## compare 2,000 random programs with JAX, and compiled; write source for 5,000
	$(PYTEST) --hypothesis-profile=fuzz tests/oracles/test_programs.py tests/compiler/test_random_programs.py \
		tests/compiler/test_plain.py tests/compiler/test_tiling.py tests/native/test_pool.py tests/engine/test_dtypes.py \
		tests/control/test_random_programs.py tests/emit/test_everyday.py

coverage: $(VENV)/.coverage  ## say which lines no test runs
	$(PYTEST) --cov --cov-report=term

bench: $(VENV)/.bench  ## measure speed and size beside PyTorch and others (writes benchmarks/results.md)
	$(BIN)/python -m benchmarks

lint: $(VENV)/.lint $(VENV)/.test  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dist: $(VENV)/.dist  ## build the source archive and the wheel (writes dist/)
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

clean:  ## remove what make made
	rm -rf $(VENV) demo build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	touch $@

# One stamp for each dependency group of pyproject.toml.
$(VENV)/.%: pyproject.toml | $(VENV)/.pip
	$(BIN)/python -m pip install --quiet --editable . --group $*
	touch $@
