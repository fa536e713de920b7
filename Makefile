# Every command here also works by hand: the package lives in .venv, its command is .venv/bin/backoffice.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo down test drill bench lint new-process lock

VENV   := .venv
BIN    := $(VENV)/bin
BEGAN  := $(shell date +%s)
UV     := $(BIN)/uv
LOCK   := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --quiet \
          --custom-compile-command "make lock"
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --require-hashes

# Company networks often add an authority of their own to the system's certificates; uv looks there when told to.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/cert.pem /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS ?= true
endif

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

demo: $(VENV)/.installed  ## Start everything, run the nightly reconciliation, show what happened and what to decide
	@BACKOFFICE_DEMO_BEGAN=$(BEGAN) $(BIN)/python -m backoffice.runtime.demo

down:  ## Stop everything that `make demo` started
	@if [ -x $(BIN)/backoffice ]; then $(BIN)/backoffice down; else echo "nothing is installed here"; fi

test: $(VENV)/.installed-dev  ## Run all tests but the drills
	@$(BIN)/python -m pytest -m "not drill" -n 2 --dist loadfile

drill: $(VENV)/.installed-dev  ## Kill the whole of a running Airflow, piece by piece, and see it come back
	@$(BIN)/python -m pytest -m drill tests/drills

bench: $(VENV)/.installed-dev  ## Measure matching and whole nights; docs/benchmarks.md says what the figures mean
	@$(BIN)/python -m benchmarks

lint: $(VENV)/.installed-dev  ## Check style, format, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

new-process: $(VENV)/.installed-dev  ## Write a small process that runs, to start from: NAME=overdue_items
	@$(BIN)/python docs/templates/new_process.py '$(subst ','\'',$(NAME))'

lock: $(VENV)/.installed  ## Write the requirements files anew from pyproject.toml
	@echo 'uv' | $(LOCK) - -o requirements-bootstrap.txt
	@$(LOCK) pyproject.toml --extra embedded -o requirements.txt
	@$(LOCK) --group dev -c requirements.txt -o requirements-dev.txt

# -- the virtual environment; a stamp file says that it holds what its requirements file asks for --

$(VENV)/.installed: requirements.txt requirements-bootstrap.txt
	@python=""; \
	for candidate in python3.13 python3.12 python3.11 python3; do \
	  if $$candidate -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; \
	  then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ] || ! command -v git >/dev/null; then \
	  echo "Needed: Python 3.11 to 3.13 with venv, git and make. This installs them:"; \
	  if command -v apt-get >/dev/null; then echo "  sudo apt-get update && sudo apt-get install -y python3 python3-venv git make"; \
	  elif command -v dnf >/dev/null; then echo "  sudo dnf install -y python3.12 git make"; \
	  elif command -v brew >/dev/null; then echo "  brew install python@3.12 git make"; \
	  else echo "  (use your system's package manager)"; fi; \
	  exit 2; \
	fi; \
	echo "[  0.0 s] installing into $(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.txt
	@$(INSTALL) -r requirements.txt
	@echo "$(CURDIR)/plugins" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/backoffice.pth"
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m backoffice.cli "$$@"\n' > $(BIN)/backoffice
	@chmod 755 $(BIN)/backoffice
	@touch $@
	@echo "[$$(($$(date +%s) - $(BEGAN))).0 s] installed"

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(INSTALL) -r requirements-dev.txt
	@touch $@
