# make demo   see it work: makes .venv, installs, generates calls, loads and serves them
# make test   the whole suite
PYTHON ?= python3
BIN := .venv/bin
CALLS ?= 200000
DAYS ?= 30
WORKERS ?= 2

.PHONY: help setup demo test test-nightly check format golden schema docs pictures bench lock clean

help:
	@sed -n 's/^# //p' Makefile

setup: .venv/installed

# Everything is pinned, with hashes, in requirements.lock: it installs the same next year.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tollhouse needs Python 3.11 or newer; say which with make PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q engine web  # a third of the time that the program takes to start, where nobody may write
	@touch $@

demo: setup
	$(BIN)/tollhouse demo --calls $(CALLS) --days $(DAYS)

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --durations=15

test-nightly: setup
	$(BIN)/python -m pytest -m "nightly or not nightly"

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Rewrite the expected SQL beside the questions; read the difference before committing it.
golden: setup
	$(BIN)/python -m pytest tests/test_golden_sql.py --update-golden

schema: setup
	$(BIN)/python -m web.schema

docs: setup
	$(BIN)/python -m engine.catalog.reference

pictures: setup
	$(BIN)/python -m tests.pictures

bench: setup
	$(BIN)/python -m benchmarks

lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --extra bench --generate-hashes --no-annotate \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv data .mypy_cache .pytest_cache .ruff_cache .hypothesis
