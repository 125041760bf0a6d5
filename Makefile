# `make help` lists the targets. Needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PACKAGES := core $(wildcard plugins/*)
export OMP_NUM_THREADS ?= 1

.PHONY: help demo test test-on kit check bench wheels
help:
	@echo "make demo     pretrain, embed and judge an encoder on the molecules that ship inside rdkit"
	@echo "make test     check, then every test of every package"
	@echo "make test-on  the demo and the conformance kit on another Python: make test-on PYTHON=python3.13"
	@echo "make check    formatting, lint, types, import boundaries, declared dependencies"
	@echo "make bench    measured comparisons: bench-NAME runs one, bench lists them"
	@echo "make wheels   build every package and try each one alone"

demo: $(READY)
	$(BIN)/python plugins/graph/benchmarks/demo.py

test: check
	$(BIN)/python -m pytest -n 2

# An environment of its own for each minor version: .venv-3.13
test-on:
	version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])') && $(MAKE) demo kit VENV=.venv-$$version

kit: $(READY)
	for plugin in $(notdir $(wildcard plugins/*)); do $(BIN)/unlabeled check $$plugin || exit 1; done

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(addsuffix /src,$(PACKAGES))
	$(BIN)/lint-imports
	for package in $(PACKAGES); do (cd $$package && $(CURDIR)/$(BIN)/deptry src) || exit 1; done

bench:
	@for script in core/benchmarks/*.py plugins/*/benchmarks/*.py; do echo "make bench-$$(basename $$script .py | tr _ -)    $$(sed -n '1s/"""//gp' $$script)"; done

bench-%: $(READY)
	$(BIN)/python $(wildcard core/benchmarks/$(subst -,_,$*).py plugins/*/benchmarks/$(subst -,_,$*).py)

wheels: $(READY)
	$(BIN)/python tests/wheels.py

$(READY): constraints.txt requirements-dev.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt -c constraints.txt
	touch $@
