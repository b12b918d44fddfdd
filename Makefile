# make run   everything, on this machine, with the sample caseload
# make test  the whole suite
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run test lint lock bench clean
.DEFAULT_GOAL := run

run: $(VENV)/.installed
	@$(BIN)/pathways run

test: $(VENV)/.installed-dev
	@sh tests/chromium.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

# The environment is made from the lock, every file checked against its hash. The lock is given as constraints too: pip
# before 23.3 forgets a pin when it is asked for through an extra.
$(VENV)/.installed: requirements/run.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Case Pathways needs Python 3.11 or later; set PYTHON=... to choose one.")'
	@echo "Making the environment in $(VENV) (about a minute, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock -c requirements/run.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements/dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock -c requirements/dev.lock
	@touch $@

# Needs uv on the path: one lock for every platform and Python from 3.11 on.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
lock:
	$(LOCK) pyproject.toml requirements/build.in -o requirements/run.lock
	$(LOCK) pyproject.toml requirements/build.in --group dev -c requirements/run.lock -o requirements/dev.lock

clean:
	rm -rf $(VENV)
