# Two commands do all the set-up: `make run` (the daemon on SQLite) and `make test`. `make check` is the gate.

# Compiled modules are kept whatever the environment says: commands that tests start would compile a second of code each time.
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: setup run test check format bench lock clean

setup: $(STAMP)

# uv comes by pip with its hash, then installs the locked packages in seconds; pip alone would take minutes.
$(STAMP): requirements-dev.lock requirements-uv.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(STAMP)

run: setup
	$(BIN)/ingest seeds load
	$(BIN)/ingest run

# What the middle (no I/O) must be covered by tests, branches included; the whole has its floor in pyproject.toml.
MIDDLE := ingest/decide/*,ingest/parse/*,ingest/extract/*,ingest/dedupe/*,ingest/schedule/*,ingest/history.py,ingest/dates.py,ingest/urls.py,ingest/text.py,ingest/headers.py,ingest/language.py,ingest/model/*,ingest/policy.py,ingest/errors.py,ingest/outcome.py

test: setup
	$(BIN)/pytest -n 2 --cov --cov-report=term:skip-covered
	@$(BIN)/coverage report --include='$(MIDDLE)' --fail-under=95 > /dev/null || { $(BIN)/coverage report --include='$(MIDDLE)' --skip-covered; exit 1; }

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	@echo "Benchmarks run by name, each says what it needs with -h:"; ls tests/bench/*.py

lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' -c requirements.lock pyproject.toml --group dev -o requirements-dev.lock
	grep -A 40 '^uv==' requirements-dev.lock | sed '/^    # via/,$$d' > requirements-uv.lock
	$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['build-system']['requires'], sep='\n')" \
	  | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' -c requirements-dev.lock - -o requirements-build.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov
