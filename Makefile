# Every target makes the environment it needs first. `make help` lists them.
#
# Paths are relative, so that a project folder with spaces in its name works.

PYTHON ?= python3
ARGS ?=

VENV := .venv
IN_VENV := $(VENV)/bin
PIP_INSTALL := $(IN_VENV)/python -m pip install --quiet --disable-pip-version-check --require-hashes
LOCK := $(IN_VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock'
TYPED := domain application shared infrastructure demo benchmarks main.py

# A stamp is newer than the lock it was made from, so an unchanged lock costs nothing.
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
BENCHMARKS := $(VENV)/.benchmarks-installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo run test fuzz bench screenshots check clean lock secrets \
	check-lint check-format check-types check-layers check-docker check-compose check-house

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  ARGS='...' is handed on by run, demo, test, fuzz, bench and screenshots: make run ARGS='--limit 10'"
	@echo "  PYTHON=... names the interpreter that makes $(VENV) (3.11 or newer)"

setup: $(DEVELOPMENT) ## Make .venv with everything pinned in requirements/
	@echo "Ready: $(VENV). Next: make demo"

demo: $(RUNTIME) ## Scrape 250 titles from a replica of the site on this machine
	$(IN_VENV)/python main.py demo $(ARGS)

run: $(RUNTIME) ## Scrape the chart of the settings (see docs/settings.md)
	$(IN_VENV)/python main.py $(ARGS)

test: $(DEVELOPMENT) ## Run the tests
	$(IN_VENV)/python -m pytest --timeout=300 $(ARGS)

fuzz: $(DEVELOPMENT) ## Fuzz what reads untrusted input, a million inputs each (an hour or two; Linux on x86-64)
	$(IN_VENV)/python -m tests.fuzz $(ARGS)

bench: $(BENCHMARKS) ## Measure against other systems and strategies, write docs/performance.md (40 minutes)
	$(IN_VENV)/python -m benchmarks $(ARGS)

screenshots: $(DEVELOPMENT) ## Take pictures of the dashboard into output/screenshots, and those of docs/images (needs Chromium)
	$(IN_VENV)/python -m tests.screenshots --keep $(ARGS)

check: check-lint check-format check-types check-layers check-docker check-compose check-house ## Run every check that is not a test
	@echo "All checks passed."

check-lint: $(DEVELOPMENT)
	$(IN_VENV)/python -m ruff check .

check-format: $(DEVELOPMENT)
	$(IN_VENV)/python -m ruff format --check .

check-types: $(DEVELOPMENT)
	$(IN_VENV)/python -m mypy $(TYPED)

check-layers: $(DEVELOPMENT)
	$(IN_VENV)/lint-imports

check-docker: $(DEVELOPMENT)
	$(IN_VENV)/hadolint --failure-threshold style Dockerfile deploy/tor/Dockerfile

check-compose: $(DEVELOPMENT)
	$(IN_VENV)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

# The locks in step with what they lock, the settings documented, no index named.
check-house: $(DEVELOPMENT)
	$(IN_VENV)/python -m pytest --quiet tests/integration/test_house.py

lock: $(DEVELOPMENT) ## Pin the newest versions that fit requirements/*.in (needs a network)
	$(LOCK) --upgrade --output-file requirements/runtime.txt requirements/runtime.in
	$(LOCK) --upgrade --constraint requirements/runtime.txt \
		--output-file requirements/parquet.txt requirements/parquet.in
	$(LOCK) --upgrade --constraint requirements/parquet.txt \
		--output-file requirements/dev.txt requirements/dev.in
	$(LOCK) --upgrade --constraint requirements/dev.txt \
		--output-file requirements/bench.txt requirements/bench.in
	@echo "Now bring docs/dependencies.md up to date; make check says where it is not."

secrets: ## Passwords and an API key for Docker Compose, into secrets/ (those that are there stay)
	deploy/make-secrets.sh secrets

clean: ## Remove .venv and tool caches; output/ and .env are never touched
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name output -prune -o -name .git -prune -o -name __pycache__ -type d -exec rm -rf {} +

$(RUNTIME): requirements/runtime.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not: $$($(PYTHON) --version 2>&1)."; \
		echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; \
		exit 1; } >&2
	@echo "Making $(VENV) from requirements/runtime.txt (once, about a minute)"
	@$(PYTHON) -m venv --clear $(VENV) || { \
		echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu: sudo apt install python3-venv"; \
		exit 1; } >&2
	$(PIP_INSTALL) -r requirements/runtime.txt
	@$(IN_VENV)/python -m compileall -q application demo domain infrastructure shared
	@touch $@

# After the run-time stamp: no two of them must install into one environment at the same time.
$(DEVELOPMENT): requirements/dev.txt $(RUNTIME)
	$(PIP_INSTALL) -r requirements/dev.txt
	@touch $@

# Into the same environment: what two locks name is the same in both.
$(BENCHMARKS): requirements/bench.txt $(RUNTIME)
	$(PIP_INSTALL) -r requirements/bench.txt
	@touch $@
