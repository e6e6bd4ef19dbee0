# twinpipe. Python 3.11+ and make are all that a machine must have; the rest is in requirements.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready-$(shell cat requirements.txt pyproject.toml | cksum | cut -d' ' -f1)
# Everything that the demo makes stays below the checkout, unless you say otherwise.
export TWINPIPE_HOME ?= $(CURDIR)/.twinpipe

.PHONY: demo test slow lint bench profile planets peers docs notebooks schemas lock clean

demo: $(STAMP) ## the main job: clone Mars, terraform the twin for a century, keep the result
	@$(BIN)/twinpipe demo

test: $(STAMP) ## the tests, in parallel
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

slow: $(STAMP) ## the longer checks
	@$(BIN)/python -m pytest -n 2 --dist worksteal --timeout 7200 -o faulthandler_timeout=7300 -m slow

lint: $(STAMP) ## style, types, and the floors and doors of the house
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP) ## every benchmark, as a table of ratios
	@$(BIN)/python -m tests.bench

profile: $(STAMP) ## where an ensemble's time goes: Dask's report and a flame graph
	@$(BIN)/python -m twinpipe.profiling $(TWINPIPE_HOME)/profile

planets: $(STAMP) ## every body against published numbers
	@$(BIN)/python -m tests.planets

peers: $(STAMP) ## climlab itself, in an environment of its own, against its models as body files
	@$(BIN)/python -m pytest -s -m slow tests/planets/test_climlab.py

docs: $(STAMP) ## what docs/ and the README take from the source
	@$(BIN)/python -m tests.docs

notebooks: $(STAMP) ## execute the notebooks of examples/ and keep their outputs
	@for name in operators planners analysts; do $(BIN)/python -m tests.docs.notebooks $$name || exit 1; done

schemas: $(STAMP) ## JSON Schemas and their examples, from the models
	@$(BIN)/python -m twinpipe.schemas

$(STAMP):
	@echo "making $(VENV) from requirements.txt"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "twinpipe needs Python 3.11 or newer")'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock: ## resolve pyproject.toml into pinned, hashed requirements.txt
	@$(PYTHON) -m venv .lock && .lock/bin/python -m pip install --quiet uv
	@.lock/bin/uv pip compile pyproject.toml --extra dev --extra profile --python-version 3.11 --universal --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --upgrade --quiet -o requirements.txt
	@rm -rf .lock

clean:
	@rm -rf $(VENV) .lock .mypy_cache .pytest_cache .ruff_cache .hypothesis
