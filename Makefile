# What a person can do here. Each target sets up what it needs by itself, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Of the scripts that pages use, the versions that were tried.
ASSETS := htmx.org@4.0.1 uplot@1.6.32
PIP := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: help demo run test check soak bench bench-archive bench-cadence bench-pages bench-plots bench-cleaning assets completions man dist lock

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/'

demo: $(VENV)/.run  ## a bundled newsroom, and the alerts it causes, offline
	@$(BIN)/presswatch demo

run: $(VENV)/.run  ## the daemon, with ./config, until Ctrl-C
	@$(BIN)/presswatch run

test: $(VENV)/.dev  ## the tests
	@$(BIN)/pytest -n 6 --dist worksteal

check: $(VENV)/.dev  ## lint, types, and the direction of dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

soak: $(VENV)/.dev  ## ten quiet minutes of the daemon, then an alert: does it still come?
	@$(BIN)/python tests/soak/quiet.py

bench: $(VENV)/.dev  ## what articles, polls and bad neighbours cost: goal, figure, verdict
	@$(BIN)/python tests/bench/everything.py

bench-archive: $(VENV)/.dev  ## writing 300,000 articles to the archive, searching them, and planning
	@$(BIN)/python tests/bench/archive.py

bench-pages: $(VENV)/.dev  ## how long pages take, and how large they are, with 100,000 alerts and 10,000 feeds
	@$(BIN)/python tests/bench/page_speed.py

bench-cadence: $(VENV)/.dev  ## how late entries are found by the rhythm of feeds, and what that costs
	@$(BIN)/python tests/bench/cadence.py

bench-plots: $(VENV)/.dev  ## draws docs/performance-*.svg: cost against size
	@$(PIP) install --editable '.[bench]'
	@$(BIN)/python tests/bench/plots.py

bench-cleaning: $(VENV)/.dev  ## how well pages are cleaned, beside other extractors
	@$(BIN)/python tests/bench/cleaning.py
	@$(BIN)/python tests/bench/metadata.py
	@if $(BIN)/python -c "import lightgbm" 2>/dev/null; \
	    then $(BIN)/python tests/bench/train_cleaning.py --ablate; \
	    else echo "with lightgbm: publishers that it has not seen, and what each part gains"; fi

assets:  ## renew the scripts of the pages, from the npm registry
	@scratch=$$(mktemp -d) && trap 'rm -r "$$scratch"' EXIT && cd "$$scratch" && \
	    npm pack --silent $(ASSETS) >/dev/null && \
	    for archive in *.tgz; do tar -xzf "$$archive" --one-top-level="$${archive%-*}"; done && \
	    cd $(CURDIR)/monitor/web/static/vendor && \
	    cp "$$scratch"/htmx.org/package/dist/htmx.min.js . && \
	    cp "$$scratch"/htmx.org/package/LICENSE htmx.LICENSE && \
	    cp "$$scratch"/uplot/package/dist/uPlot.iife.min.js "$$scratch"/uplot/package/dist/uPlot.min.css . && \
	    cp "$$scratch"/uplot/package/LICENSE uPlot.LICENSE

completions: $(VENV)/.run  ## renew the shells' completions of the command
	@for shell in bash zsh fish; do \
	    _PRESSWATCH_COMPLETE=$${shell}_source $(BIN)/presswatch > "$$(ls packaging/share/$$shell*/*/*presswatch*)"; \
	done

man: $(VENV)/.dev  ## the man pages, from the commands' help
	@$(BIN)/python packaging/man_pages.py packaging/share/man/man1

dist: man  ## the wheel and the sdist, in dist/
	@$(BIN)/python -m hatchling build

lock: $(VENV)/.dev  ## renew the locked dependencies
	@$(PIP) install pip-tools
	@$(BIN)/pip-compile -q --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --no-header --upgrade -o requirements.lock pyproject.toml
	@$(BIN)/pip-compile -q --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --no-header --upgrade --extra dev -o requirements-dev.lock pyproject.toml
	@$(BIN)/pip-compile -q --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --no-header --upgrade --build-deps-for=wheel --only-build-deps \
	    -o requirements-build.lock pyproject.toml

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Presswatch needs Python 3.11 or newer; name one with: make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Setting up $(VENV), once …"
	@# The lock is complete. An old pip that resolves it would warn of an extra of lxml's.
	@$(PIP) install --require-hashes --no-deps -r requirements.lock
	@$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Adding the tools for tests and checks, once …"
	@$(PIP) install --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
