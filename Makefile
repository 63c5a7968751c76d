# Set-up, demo and tests. Needs make, a C compiler and some Python >= 3.12; `make help` lists the targets.
SHELL := /bin/sh
.DELETE_ON_ERROR:
.NOTPARALLEL:
export OMP_NUM_THREADS = 1

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PACKAGES := lifrac
RANKS := 2 3
# nproc would take OMP_NUM_THREADS for the number of cores.
CORES := $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || echo 1)
WORKERS ?= $(if $(filter 1 2 3,$(CORES)),$(CORES),4)
SOURCES := $(shell find library meshes solver problems postprocess benchmarks/verification \
    -name '*.py' -o -name '*.toml' -o -name '*.json' -o -name py.typed -o -name Snakefile -o -name '*.yaml' -o -name '*.pth') setup.py
DEMO_CASE ?= problems/ready/cases/llzo_runs_through.toml
DEMO_OUT ?= runs/demo

.PHONY: help install demo test lint unit mpi verify develop clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(VENV)/.lifrac  ## create .venv and install lifrac into it

demo: install  ## predict one filament: run a ready case and plot it into runs/demo
	rm -rf $(DEMO_OUT)
	$(BIN)/lifrac run $(DEMO_CASE) --out $(DEMO_OUT)
	$(BIN)/lifrac plot $(DEMO_OUT)
	@echo "Results are in $(DEMO_OUT): pictures in plots/, fields.vtkhdf opens in ParaView >= 5.12, docs/results.md explains"

test: lint unit mpi verify  ## everything that has to pass: lint, tests, tests on 2 and 3 ranks, quick verification

lint: install  ## ruff on the sources, mypy on the installed package
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p $(PACKAGES)

unit: install  ## tests on one rank each, a file at a time on each of some cores
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore tests/parallel

mpi: install  ## the collective tests under mpiexec on 2 and 3 ranks; one that hangs ends all ranks and says where
	for n in $(RANKS); do \
	    $(BIN)/mpiexec -n $$n $(BIN)/python -m pytest -q -p no:cacheprovider -o timeout_method=thread tests/parallel \
	        || exit 1; \
	done

verify: install  ## the quick part of the verification book, a check at a time on each of some cores
	$(BIN)/lifrac verify --quick --jobs $(WORKERS)

develop: $(VENV)/.deps  ## install the sources in place instead of a copy (mypy then does not see the package)
	rm -f $(VENV)/.lifrac
	$(PIP) --no-deps --no-build-isolation --editable .
	cp library/lifrac-dolfinx.pth "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

clean:  ## remove the environment and what was built; runs/ stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is written only after its step succeeded, so an interrupted set-up goes on where it stopped.
$(VENV)/.python: tools/find-python.sh tools/make-venv.sh
	sh tools/make-venv.sh $(VENV)
	@touch $@

$(VENV)/.deps: $(VENV)/.python constraints.txt pyproject.toml tools/system-packages.txt
	sh tools/system-packages.sh
	@echo "Installing the pinned packages into $(VENV) (takes a minute or two)"
	$(PIP) setuptools
	rm -rf build
	$(PIP) --no-build-isolation '.[wheel,test]'
	sh tools/check-install.sh $(VENV)
	@touch $@

# build/ is removed because setuptools would copy modules from it that are no longer in the sources.
$(VENV)/.lifrac: $(VENV)/.deps $(SOURCES)
	rm -rf build
	$(PIP) --no-deps --no-build-isolation --force-reinstall .
	@touch $@
