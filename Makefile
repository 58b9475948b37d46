# Lambda Lab: `make lab` to learn, `make test` to check. Written for GNU make 3.81 (macOS) and later.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
JOBS ?= 2

# The stamps say what the environment holds, so a second `make lab` starts at once.
LAB_STAMP := $(VENV)/.lab
DEV_STAMP := $(VENV)/.dev
SIMULATOR_STAMP := $(VENV)/.simulator

# PYTHON=/some/python overrides the search. A version that fits but cannot make an environment is
# remembered, so that the message names what is missing and not just "no Python".
define make_venv
if test -x $(BIN)/python && $(BIN)/python -c 'import pip' 2>/dev/null; then exit 0; fi; \
set -- python3.13 python3.12 python3.11 python3; \
if test -n "$$PYTHON"; then set -- "$$PYTHON"; fi; \
found=; bare=; \
for p in "$$@"; do \
  "$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 || continue; \
  if "$$p" -c 'import venv, ensurepip' >/dev/null 2>&1; then found=$$p; break; fi; \
  bare=$$p; \
done; \
if test -z "$$found" && test -n "$$bare"; then \
  echo "Lambda Lab: $$bare lacks venv or ensurepip (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; \
fi; \
if test -z "$$found"; then \
  echo "Lambda Lab: needs Python 3.11, 3.12 or 3.13; none found among: $$* (or set PYTHON=/path/to/python)." >&2; exit 1; \
fi; \
echo "Making $(VENV) with $$found ..."; \
"$$found" -m venv --clear $(VENV)
endef

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# JupyterLab refuses to run as root unless told. A container's only user is root, and JupyterLab
# listens on loopback with a token either way. As its default URL the notebook is also in the
# address that it prints, for whoever has no browser on this machine.
JUPYTER := $(BIN)/python -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/00-welcome.ipynb \
  $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help lab env test lint bench notebooks clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | awk -F'	' '{printf "make %-10s %s\n", $$1, $$2}'

lab: $(LAB_STAMP) $(SIMULATOR_STAMP) ## install what is missing and open the first notebook in JupyterLab
	$(JUPYTER) $(ARGS)

env: $(DEV_STAMP) ## install what is missing for work on the lab itself, and stop there

test: $(DEV_STAMP) ## run every test: package, notebooks, labs, solutions, browser
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

lint: $(DEV_STAMP) ## ruff check, ruff format --check, mypy
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

bench: $(DEV_STAMP) ## measure speed, each figure beside its peer or physical limit
	$(BIN)/python -m benchmarks $(ARGS)

notebooks: $(DEV_STAMP) ## run all notebooks again, store them normalised, make the labs
	$(BIN)/python -m lambdalab.learning.notebooks run $(ARGS)
	$(BIN)/python -m lambdalab.learning.labs

clean: ## remove the environment, caches and everything generated
	rm -rf $(VENV) build dist test-results .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +

$(LAB_STAMP): requirements.txt pyproject.toml
	@$(make_venv)
	@echo "Installing requirements.txt (about a minute the first time) ..."
	@$(PIP_INSTALL) -r requirements.txt -e .
	@touch $@

# What is compiled depends on the rules and on their figures. Where it fails, all else works: the lab
# opens, and the next `make lab` tries again.
$(SIMULATOR_STAMP): $(LAB_STAMP) $(wildcard lambdalab/simulator/*.py) lambdalab/facts/quotas.toml
	@echo "Compiling the simulator for this machine (some seconds, once) ..."
	@if $(BIN)/python -m lambdalab.simulator; then touch $@; \
	else echo "Lambda Lab: opens without it; simulations may not run." >&2; fi

$(DEV_STAMP): requirements-dev.txt $(LAB_STAMP)
	@echo "Installing requirements-dev.txt ..."
	@$(PIP_INSTALL) -r requirements-dev.txt -r requirements.txt
	@touch $@
