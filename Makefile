# Two commands: `make demo` and `make test`. Both set up .venv first.

# The first that runs and is new enough; 3.11 first, because it is what the versions were tried on.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
  done)
BIN := .venv/bin
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# What runs below calls make itself, to compile simulators; it must not inherit our job server.
unexport MAKEFLAGS MFLAGS

.PHONY: demo test test-slow fuzz upsets paper evidence formal mutants notebooks bitstreams crash lint clean lock licences audit

demo: .venv/.demo
	$(BIN)/spikeloom demo

test: lint
	$(BIN)/pytest -n 2 -m "not slow"

test-slow: .venv/.test .venv/.boards
	$(BIN)/pytest -n 2 -m slow

# Proofs, each with a fault that breaks it and a case that is reached; FORMAL names some of them.
formal: .venv/.test .venv/.formal
	$(BIN)/python -m tests.campaigns.formal $(FORMAL)

# Draws networks, commands and bytes: golden against RTL. FUZZ="--minutes 40 --target protocol"
fuzz: .venv/.test
	$(BIN)/python -m tests.campaigns fuzz $(FUZZ)

# Inverts single bits while the chip learns: make upsets UPSETS="tiny --images 0"
upsets: .venv/.test
	$(BIN)/python -m tests.campaigns upsets $(UPSETS)

# The paper's figures and tables: make paper FIG="6 --quick"
paper: .venv/.test .venv/.paper
	$(BIN)/python -m tests.campaigns paper $(FIG)

# What is claimed, and what was last found.
evidence: .venv/.test
	$(BIN)/python -m tests.campaigns evidence $(EVIDENCE)

# Kills training at random moments, and goes on with what is left.
crash: .venv/.test
	$(BIN)/python -m tests.campaigns.crash --kills 100 --results results/crash.json

# Mutants of the RTL's netlists (hdl) or of the golden model's code (golden), which is said first:
# make mutants MUTANTS="hdl --most 10 --runs 3 --seconds 30 --out build/mutants.json lfsr core"
# make mutants MUTANTS="golden --most 20 --out build/mutants-golden.json wta neuron"
mutants: .venv/.mutants
	$(BIN)/python -m tests.campaigns.mutation $(MUTANTS)

# Runs the examples, each in a new kernel, and keeps what their cells give.
notebooks: .venv/.test .venv/.boards .venv/.notebooks
	$(BIN)/python -m tests.support.notebooks

# Two families, the tools' first run included; a missed clock fails, and one that fell.
bitstreams: .venv/.boards
	$(BIN)/spikeloom build hx8k tiny --no-measure --table results/bitstreams.md
	$(BIN)/spikeloom build ulx3s-25f tiny --no-measure --table results/bitstreams.md

# The linter of imports wants the packages as they are installed, below one folder.
lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@rm -rf build/imports && mkdir -p build/imports/spikeloom
	@ln -s $(CURDIR)/spikeloom/* $(addprefix $(CURDIR)/,golden hdl boards sim) build/imports/spikeloom
	@ln -s $(CURDIR)/tests build/imports
	cd build/imports && ../../$(BIN)/lint-imports --no-logo --no-cache --config ../../pyproject.toml

# What CI installs: one version of everything, known by its hashes. UPGRADE=1 takes the newest.
lock: build/supply/.stamp
	build/supply/bin/uv pip compile pyproject.toml --all-extras --quiet --generate-hashes \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
	  $(if $(UPGRADE),--upgrade) --output-file requirements-ci.lock

# Of what the lock names, as .venv has it installed.
licences: $(addprefix .venv/.,test boards formal fuzz mutants notebooks paper) build/supply/.stamp
	build/supply/bin/pip-licenses --python $(BIN)/python --from=mixed --with-system --format=json \
	  | $(BIN)/python tests/support/supply.py licences

# Asks a database on the network; without one nothing is known, which is no fault of the tree.
audit: .venv/.test build/supply/.stamp
	$(BIN)/python tests/support/supply.py audit --program build/supply/bin/pip-audit \
	  --results results/audit.json

build/supply/.stamp: pyproject.toml
	@$(PYTHON) -m venv --clear build/supply
	@build/supply/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@build/supply/bin/python -m pip install --quiet --group supply
	@touch $@

# Each target installs what it needs: the demonstration 0.5 GB, the tests 0.7 GB.
.venv/.demo: EXTRAS := rtl,report
.venv/.%: EXTRAS = $*
.venv/.%: .venv/.stamp
	@echo "Installing spikeloom[$(EXTRAS)] into .venv (once)"
	@$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	@touch $@

.venv/.stamp: pyproject.toml
	@[ -n "$(PYTHON)" ] || \
	  { echo "Python 3.11 or later is needed; install it or name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear .venv || \
	  { echo "Python's venv module is needed; on Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

clean:
	rm -rf .venv build dist out *.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
