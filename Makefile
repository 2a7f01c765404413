# make demo [ARGS="--for 60 --beds 20"]   the whole hub on this machine, with a simulated ward
# make test [ARGS="-k episodes"]          lint, types, every test
# make lint · make pictures · make lock [ARGS=--upgrade] · make clean
#
# Needs Python >= 3.11 with venv, make and git; everything else is fetched, by its hash, into .venv and the user's cache.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# Branch coverage of rules and decoders below which the tests fail, in per cent; of some tests alone none is asked.
COVERAGE ?= $(if $(ARGS),0,95)
UV := 0.13.9

.PHONY: demo test lint pictures lock clean
.DELETE_ON_ERROR:

demo: .venv/ready .venv/kafka
	@$(BIN)/hub demo $(ARGS)

test: lint .venv/kafka
	@echo "== tests"
	@$(BIN)/pytest --cov --cov-report=term --cov-fail-under=$(COVERAGE) $(ARGS)

lint: .venv/tested
	@echo "== ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "== mypy"
	@$(BIN)/mypy

# The timelines in docs/rules; a test tells when they are behind.
pictures: .venv/tested
	@$(BIN)/python -m tests.pictures

.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "hub: Python >= 3.11 with venv is needed (Debian: apt install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || { echo "== a virtual environment in .venv, by $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear .venv; }
	@echo "== dependencies, as requirements.lock names them (about 200 MB, a minute or two)"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/tested: .venv/ready requirements-test.lock
	@echo "== what the tests need, as requirements-test.lock names it"
	@$(PIP) --require-hashes -r requirements-test.lock
	@touch $@

.venv/kafka: .venv/ready
	@echo "== Apache Kafka (45 MB) and its first start (half a minute in all, once; kept in the user's cache)"
	@$(BIN)/python -m hubapp.local.warm
	@touch $@

# Universal: one lock for every Python and system. setuptools builds the project itself, without isolation.
lock:
	@test -n "$(PYTHON)" && $(PYTHON) -m venv --clear build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check install --quiet uv==$(UV)
	@echo setuptools | build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --extra test --output-file requirements-test.lock $(ARGS) pyproject.toml -
	@echo setuptools | build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --constraint requirements-test.lock --output-file requirements.lock $(ARGS) pyproject.toml -
	@rm -rf build/lock

clean:
	@if [ -x $(BIN)/hub ]; then $(BIN)/hub services down; fi
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
