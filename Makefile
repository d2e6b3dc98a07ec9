# Numero Verde. `make help` lists what can be done; everything sets itself up first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench lock clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(VENV)/.installed $(VENV)/.ffmpeg ## make .venv with all that the line needs

demo: setup ## set up and run the whole line on this machine: no account, no internet
	$(BIN)/ivr demo

test: setup $(VENV)/.installed-dev $(VENV)/.chromium ## set up and run all tests
	$(BIN)/python -m pytest $(ARGS)

check: setup $(VENV)/.installed-dev ## style, types, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup $(VENV)/.installed-dev ## put the code into its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup $(VENV)/.installed-dev ## measure everything and write docs/benchmarks.md
	$(BIN)/python -m bench

# The lock files are made by hand, where the registries can be reached, and committed.
lock: setup ## write requirements*.lock anew from pyproject.toml
	$(PIP) install pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
	    --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --extra dev \
	    --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean: ## remove .venv and what tools left behind (never recordings or var)
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "On Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.lock pyproject.toml
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# A package of the system where we may install one; otherwise a note and on. Asked once a .venv.
define system_package
	@if command -v $(1) >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing $(2)"; \
	    { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(2) \
	      || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(2); }; \
	    } >/dev/null 2>&1 || echo "note: $(2) could not be installed; $(3)"; \
	else echo "note: there is no $(1) here; $(3)"; fi
	@touch $@
endef

$(VENV)/.ffmpeg: $(VENV)/.made
	$(call system_package,ffmpeg,ffmpeg,messages other than WAV wait until there is one)

$(VENV)/.chromium: $(VENV)/.made
	$(call system_package,chromium,chromium,the tests of the browser phone are skipped)
