# The commands of the project. `make run` and `make test` need nothing but Python 3.11+, venv, make and git.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
NODE_READY := node_modules/.package-lock.json

.PHONY: help install install-dev client run serve test lint types e2e bench compare soak lock screenshots clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | column -t -s "$$(printf '\t')"

install: .venv/run.done ## virtual environment with the locked dependencies
.venv/run.done: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing dependencies (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . 2>/dev/null || \
	 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

install-dev: .venv/dev.done ## and what tests need
.venv/dev.done: .venv/run.done requirements/dev.txt
	@echo "Installing test dependencies (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements/dev.txt
	@touch $@

client: survey_app/static/dist/manifest.json ## build the browser's part
survey_app/static/dist/manifest.json: $(shell find survey_app/client -name '*.ts' -o -name '*.mjs') package-lock.json
	@sh tools/node.sh npm ci --ignore-scripts --silent
	@sh tools/node.sh node survey_app/client/build.mjs

run: install client ## start the product with demonstration data
	@$(BIN)/survey demo

serve: install client ## start production (see docs/deploying.md)
	@$(BIN)/survey serve

test: install-dev client ## every test: Python, TypeScript, browser
	@sh tools/test.sh

lint: install-dev ## style
	@$(BIN)/ruff check .

types: install-dev client ## types, Python and TypeScript
	@$(BIN)/mypy
	@sh tools/node.sh node node_modules/typescript/bin/tsc --noEmit

e2e: install-dev client ## browser tests only
	@$(BIN)/python -m pytest tests/e2e -q

bench: install-dev client ## figures, as ratios of one run
	@$(BIN)/python tools/bench.py

compare: install-dev ## our verdicts beside those of JavaRosa (needs a JDK)
	@$(BIN)/python -m tools.compare

soak: install-dev client ## long simulations
	@$(BIN)/python -m pytest tests -m soak -q --timeout 7200

screenshots: install-dev client ## the pictures README shows
	@$(BIN)/python tools/screenshots.py

lock: ## renew the locks (needs uv)
	uv pip compile pyproject.toml --extra postgres --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/run.txt
	uv pip compile pyproject.toml --extra postgres --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements/dev.txt

clean: ## forget what was built
	rm -rf .venv node_modules survey_app/static/dist
