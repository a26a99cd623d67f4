# Every target sets up what it needs by itself; `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

# One thread a process: two test workers share two cores.
TEST_JOBS ?= 2

# Annotated shapes are tests: these run with every signature of these rooms checked at run time.
# Without the property tests, whose reproducible randomness beartype's sampling disturbs.
SHAPE_TESTS := tests/contract tests/golden tests/numerics tests/unit/data tests/unit/metrics \
	tests/unit/nn tests/unit/losses tests/unit/tokenizers
comma := ,
empty :=
SHAPE_ROOMS := $(subst $(empty) ,$(comma),$(addprefix matey_core.,attention augmentations batches budgets criteria \
	data equations fields kernels losses metrics models nn objectives simulators tokenizers tokens))

# A second environment: Python 3.13 with the newest packages, for all that goes through them.
NEWEST := .venv-newest
NEWEST_PIP := $(NEWEST)/bin/python -m pip --disable-pip-version-check -qq
NEWEST_PYTHON ?= $(shell for python in python3.13 $(HOME)/.pyenv/versions/3.13.*/bin/python; do \
	"$$python" -c '' 2>/dev/null && echo "$$python" && break; done)
NEWEST_TESTS := tests/cli/test_data.py tests/cli/test_training.py \
	tests/contract/test_linting.py tests/contract/test_readers.py tests/integration/test_prepare.py \
	tests/integration/test_prepare_s3.py tests/unit/conversion tests/unit/data tests/unit/readers \
	tests/unit/store --ignore=tests/unit/readers/test_the_well_package.py
define SKIPPED

*** SKIPPED: the tests on Python 3.13 with the newest packages.
***
endef
export SKIPPED

# The demo: real PDEBench files with DATA=folder; without it, its own simulated ones.
DATA ?=
DEMO ?= demo

.PHONY: help install demo test test-slow test-newest test-wheel gpu fuzz bench docs lint lines clean

help:
	@echo "make demo [DATA=folder]  the whole job: prepare, pretrain, finetune, rollout, inspect, profile"
	@echo "make test                the tests"
	@echo "make test-slow           the tests that take longer: kills and resumes, processes, published tables"
	@echo "make test-newest         the tests of files and commands, on Python 3.13 with the newest packages"
	@echo "make test-wheel          the wheel, in an empty environment, runs the README's commands"
	@echo "make gpu                 what only a GPU can show: tests, then steps and solvers into bench/results/"
	@echo "make fuzz [FUZZ_CASES=20000] [FUZZ_SEED=1]  random damaged files and command lines"
	@echo "make bench               the benchmarks, as JSON lines in bench/results/"
	@echo "make docs                the documentation, into site/"
	@echo "make lint                linter, formatter check, types, imports, file lengths"
	@echo "make install             .venv with matey in it"
	@echo "make clean               removes what the others have made here"

install: $(VENV)/.installed

# PyTorch comes first and alone: from PyPI, a Linux machine gets gigabytes of CUDA with it.
# Without an NVIDIA GPU: a wheel on this machine's disk, else PyTorch's CPU index, else those gigabytes.
# Arguments: pip, and what to install.
define install-torch
	@if [ "$$(uname -s)" != Linux ] || command -v nvidia-smi >/dev/null 2>&1; then \
		$(1) install $(2); \
	else \
		$(1) install --no-index --no-deps $(2) 2>/dev/null \
		|| $(1) install --retries 1 --index-url "$(TORCH_INDEX)" $(2) 2>/dev/null \
		|| { echo "PyTorch for the CPU is neither on this machine nor at $(TORCH_INDEX)."; \
			echo "Taking PyPI's, which on Linux is gigabytes; or stop, and name an index: TORCH_INDEX=<url>"; \
			$(1) install $(2); }; \
	fi
endef

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) ..."
	$(PYTHON) -m venv $(VENV)
	$(call install-torch,$(PIP),-c constraints.txt "$(TORCH)")
	$(PIP) install -c constraints.txt --editable .
	@touch $@

$(VENV)/.developer: $(VENV)/.installed
	$(PIP) install -c constraints.txt --editable '.[test,docs,dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/python bench/demo.py --folder $(DEMO) $(if $(DATA),--data $(DATA))

test: $(VENV)/.developer
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS) -q $(addprefix --ignore=,$(SHAPE_TESTS))
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS) -q $(SHAPE_TESTS) \
		--jaxtyping-packages=$(SHAPE_ROOMS),beartype.beartype

test-slow: $(VENV)/.developer
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS) -q -m slow

test-newest:
	@if [ -z "$(NEWEST_PYTHON)" ]; then \
		echo "$$SKIPPED There is no Python 3.13; name one: make test-newest NEWEST_PYTHON=<path>"; \
	elif ! $(MAKE) --no-print-directory $(NEWEST)/.torch; then \
		echo "$$SKIPPED No PyTorch can be had for it; name an index: TORCH_INDEX=<url>"; \
	else \
		$(MAKE) --no-print-directory $(NEWEST)/.installed && \
		OMP_NUM_THREADS=1 $(NEWEST)/bin/python -m pytest -n $(TEST_JOBS) -q $(NEWEST_TESTS); \
	fi

$(NEWEST)/.torch:
	@echo "Setting up $(NEWEST) with $(NEWEST_PYTHON) ..."
	$(NEWEST_PYTHON) -m venv --clear $(NEWEST)
	$(call install-torch,$(NEWEST_PIP),torch)
	@touch $@

$(NEWEST)/.installed: $(NEWEST)/.torch pyproject.toml
	$(NEWEST_PIP) install --upgrade --editable '.[test]'
	@touch $@

test-wheel: $(VENV)/.developer
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slow tests/integration/test_wheel.py

gpu: $(VENV)/.developer
	$(BIN)/python -m pytest -q -m gpu -rs tests/gpu
	$(BIN)/python -m bench gpu

fuzz: $(VENV)/.developer
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --cases $(or $(FUZZ_CASES),300) --seed $(or $(FUZZ_SEED),0)

bench: $(VENV)/.developer
	$(BIN)/python -m bench

docs: $(VENV)/.developer
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lint: $(VENV)/.developer lines
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lines:
	@git ls-files -z -- '*.py' | xargs -0 wc -l | awk '$$2 != "total" && $$1 > 400 \
		{ print $$2 ": " $$1 " lines, more than 400"; bad = 1 } END { exit bad }'

clean:
	rm -rf $(VENV) $(NEWEST) $(DEMO) site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
