# `make help` lists the targets. Needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PACKAGES := core $(wildcard plugins/*)
export OMP_NUM_THREADS ?= 1

.PHONY: help help-all demo test test-on quick-kit check check-all kit bench reports wheels release grid
help:
	@echo "make demo       pretrain, embed and evaluate an encoder on the molecules that ship inside rdkit"
	@echo "make test       check, then the tests: each clause of the conformance kit on the smallest recipe"
	@echo "make check      formatting, lint, types, import boundaries, declared dependencies"
	@echo "make check-all  check, then every test on every recipe"
	@echo "make help-all   every target"

help-all: help
	@echo "make test-on    the demo and the kit, each clause on the smallest recipe, on another Python: make test-on PYTHON=python3.13"
	@echo "make kit        the conformance kit on every plugin, as a table"
	@echo "make bench      list the measured comparisons; bench-NAME runs one"
	@echo "make grid       every objective in four domains at one budget: measures what is missing, writes docs/grid.md"
	@echo "make reports    the report of one small run per domain, opened in a browser and pictured in docs/reports"
	@echo "make wheels     build every package and try each one alone"
	@echo "make release    check, build and tag one package: make release PACKAGE=unlabeled VERSION=0.1.0 [DRY=1]"

demo: $(READY)
	$(BIN)/python plugins/graph/benchmarks/demo.py

test: check
	$(BIN)/python -m pytest -n 2 -m "not thorough"

check-all: check
	$(BIN)/python -m pytest -n 2

# An environment of its own for each minor version: .venv-3.13
test-on:
	version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])') && $(MAKE) demo quick-kit VENV=.venv-$$version

quick-kit: $(READY)
	$(BIN)/python -m pytest -n 2 -m "not thorough" plugins/*/tests/test_conformance.py

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

grid: $(READY)
	$(BIN)/python benchmarks/grid/grid.py

reports: $(READY)
	$(BIN)/python tests/reports.py

wheels: $(READY)
	$(BIN)/python tests/wheels.py

release: $(READY)
	$(BIN)/python tests/release.py "$(PACKAGE)" "$(VERSION)" $(if $(DRY),--dry)

$(READY): constraints.txt requirements-dev.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt -c constraints.txt
	touch $@
