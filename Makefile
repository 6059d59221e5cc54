# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
ONCE ?=
MINUTES ?= 10
CLAUDE := @anthropic-ai/claude-code@2.1.329
GEMINI := @google/gemini-cli@0.61.0
CODEX := @openai/codex@0.169.0

# What is compiled once is not compiled again in each of a thousand processes, whatever the machine says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test soak lint check bench screenshots clis lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    run one research job by rehearsal through #dev (ONCE=1: and stop)"
	@echo "make test    set up everything and run all tests"
	@echo "make soak    kill the bot at random moments for MINUTES=10, and look for what is lost"
	@echo "make check   format, lint, types and tests"
	@echo "make bench   measure, and write build/bench.json"
	@echo "make screenshots  take a picture of every page, into build/screenshots"
	@echo "make lock    pin the dependencies anew"

# Its data lies outside of the checkout, which is the workspace that the agent works in.
demo: .venv/run
	@BIFROST__DATA_DIR=$${BIFROST__DATA_DIR:-$${XDG_CACHE_HOME:-$$HOME/.cache}/bifrost-demo} \
		$(BIN)/bifrost demo $(if $(ONCE),--once)

test: .venv/dev clis
	@scripts/need chromium="chromium fonts-noto-color-emoji" bwrap=bubblewrap
	$(BIN)/pytest -n 3 --dist loadgroup

soak: .venv/dev clis
	@scripts/need bwrap=bubblewrap
	$(BIN)/python -m tests.faults.kill.soak $(MINUTES)

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

bench: .venv/dev clis
	$(BIN)/python -m tests.bench

screenshots: .venv/dev
	$(BIN)/python -m tests.browser.pictures

clis: build/clis/node_modules/.installed

build/clis/node_modules/.installed: Makefile
	@scripts/need node=nodejs npm=npm
	npm install --no-audit --no-fund --no-save --no-package-lock --loglevel=error --prefix build/clis $(CLAUDE) $(GEMINI) $(CODEX)
	@touch $@

.venv/run: constraints.txt pyproject.toml
	@scripts/need $(PYTHON)=python3-venv
	$(PYTHON) -m venv .venv || { scripts/need ensurepip=python3-venv && $(PYTHON) -m venv .venv; }
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: constraints-dev.txt .venv/run
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r constraints-dev.txt
	@touch $@

LOCK := $(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--no-header --allow-unsafe --strip-extras

lock: .venv/dev
	$(LOCK) --extra build -o constraints.txt pyproject.toml
	$(LOCK) --extra build --extra dev -c constraints.txt -o constraints-dev.txt pyproject.toml

clean:
	rm -rf .venv build
