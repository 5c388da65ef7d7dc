# make run     install and train the quickstart
# make test    install with the development tools and run the tests
# make chaos   the full round of random kills
# make fuzz    the reader, the checks and the binder of specs against anything, longer than in the tests
# make check   ruff, mypy
# make bench   the measurements that the README quotes
# make bench-train   the trainer beside the tutorial's loop
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE := tests/node/node_modules
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: install install-dev install-node run test chaos fuzz check bench clean

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

# An old pip can't resolve this set, so pip comes first.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable ".[train]"
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --quiet --constraint constraints.txt --group dev
	touch $@

# Tests run the editors' YAML language server where there is node; without it they are skipped.
install-node:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE)/.installed; \
	else echo "there is no npm: the tests with the YAML language server will be skipped"; fi

$(NODE)/.installed: tests/node/package.json tests/node/package-lock.json
	npm ci --prefix tests/node --ignore-scripts --no-audit --no-fund --loglevel error
	touch $@

run: install
	$(BIN)/aml job create --file specs/quickstart/job.yml --stream --workspace-name default

test: install-dev install-node
	$(BIN)/python -m pytest -n 2

chaos: install-dev
	AML_CHAOS_JOBS=100 $(BIN)/python -m pytest tests/chaos

fuzz: install-dev
	AML_FUZZ_EXAMPLES=3000 $(BIN)/python -m pytest tests/spec/test_fuzz.py

check: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install-dev
	$(BIN)/python -m tests.bench

bench-train: install-dev
	PYTHONPATH=trainer $(BIN)/python -m tests.bench.train

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
