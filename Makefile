# Two commands do everything on a machine with Python 3.10 or newer: make demo, make test.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Further arguments for pytest, such as: make test PYTEST_ARGS="tests/domain -x"
PYTEST_ARGS ?=
# So many tests at once: most of them wait for hubs, pods and pages.
PYTEST_WORKERS ?= 4
PYTEST = -m pytest -n $(PYTEST_WORKERS) --dist loadfile
DEMO_ARGS ?=
# Such as: make benchmark BENCHMARK_ARGS="--sizes 1000,10000"
BENCHMARK_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint test-jupyterhub-5 benchmark format clean

help:
	@echo "make demo               start a small university with three hubs on this machine"
	@echo "make test               check style, types and layers, then run every test"
	@echo "make test-jupyterhub-5  run the tests that start hubs on JupyterHub 5.5"
	@echo "make benchmark          measure rosters of up to a million memberships"
	@echo "make lint, make format  check, or mend, the style alone"
	@echo "make clean              remove what these commands made (not the demo's files in .demo)"

demo: $(VENV)/.demo-is-installed
	@$(BIN)/e2xhub demo $(DEMO_ARGS)

test: lint
	$(BIN)/python $(PYTEST) $(PYTEST_ARGS)

test-jupyterhub-5:
	$(MAKE) --no-print-directory .venv-jupyterhub-5/.hub-tests-are-installed
	.venv-jupyterhub-5/bin/python $(PYTEST) -m hub $(PYTEST_ARGS)

benchmark: $(VENV)/.dev-is-installed
	$(BIN)/python -m tests.benchmarks.roster $(BENCHMARK_ARGS)

lint: $(VENV)/.dev-is-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev-is-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-jupyterhub-5 test-artefacts .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	  .import_linter_cache

%/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "$(PYTHON) is older than 3.10; name a newer one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $* || \
	  { echo "$(PYTHON) cannot make virtual environments; on Debian: apt install python3-venv" >&2; \
	    rm -rf $*; exit 1; }

.PRECIOUS: %/bin/pip

%/.demo-is-installed: %/bin/pip pyproject.toml
	@echo "Installing into $* (the first time takes a minute or two) …"
	@$*/bin/pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

%/.dev-is-installed: %/bin/pip pyproject.toml
	@echo "Installing into $* (the first time takes a minute or two) …"
	@$*/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $*/.demo-is-installed

%/.hub-tests-are-installed: %/bin/pip pyproject.toml
	@echo "Installing into $* (the first time takes a minute or two) …"
	@$*/bin/pip install --quiet --disable-pip-version-check --editable '.[test]' 'jupyterhub==5.5.*'
	@touch $@
