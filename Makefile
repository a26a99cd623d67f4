# Every target sets up what it needs by itself; `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

# One thread a process: two test workers share two cores.
TEST_JOBS ?= 2

# Annotated shapes are tests: once more with every signature of these rooms checked at run time.
# Without the property tests, whose reproducible randomness beartype's sampling disturbs.
SHAPE_TESTS := tests/contract tests/golden tests/numerics tests/unit/data tests/unit/metrics \
	tests/unit/nn tests/unit/losses tests/unit/tokenizers
comma := ,
empty :=
SHAPE_ROOMS := $(subst $(empty) ,$(comma),$(addprefix matey_core.,attention augmentations batches criteria \
	data fields kernels losses metrics models nn objectives simulators tokenizers tokens))

# The demo: real PDEBench files with DATA=folder; without it, its own simulated ones.
DATA ?=
DEMO ?= demo

.PHONY: help install demo test bench docs lint lines clean

help:
	@echo "make demo [DATA=folder]  the whole job: prepare, pretrain, finetune, rollout, inspect, profile"
	@echo "make test                the tests"
	@echo "make bench               the benchmarks, as JSON lines in bench/results/"
	@echo "make docs                the documentation, into site/"
	@echo "make lint                linter, formatter check, types, imports, file lengths"
	@echo "make install             .venv with matey in it"

install: $(VENV)/.installed

# PyTorch comes first and alone: from PyPI, a Linux machine would get gigabytes of CUDA with it.
# Without an NVIDIA GPU: a wheel on this machine's disk, else PyTorch's CPU index.
$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) ..."
	$(PYTHON) -m venv $(VENV)
	@if [ "$$(uname -s)" != Linux ] || command -v nvidia-smi >/dev/null 2>&1; then \
		$(PIP) install -c constraints.txt "$(TORCH)"; \
	else \
		$(PIP) install --no-index --no-deps "$(TORCH)" 2>/dev/null \
		|| $(PIP) install --index-url "$(TORCH_INDEX)" "$(TORCH)" \
		|| { echo "PyTorch's CPU index cannot be reached: try make install TORCH_INDEX=<an index that has $(TORCH)>"; exit 1; }; \
	fi
	$(PIP) install -c constraints.txt --editable .
	@touch $@

$(VENV)/.developer: $(VENV)/.installed
	$(PIP) install -c constraints.txt --editable '.[test,docs,dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/python bench/demo.py --folder $(DEMO) $(if $(DATA),--data $(DATA))

test: $(VENV)/.developer
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS) -q
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS) -q $(SHAPE_TESTS) \
		--jaxtyping-packages=$(SHAPE_ROOMS),beartype.beartype

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
	rm -rf $(VENV) $(DEMO) site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
