# One environment, made on first use: every target below installs what it needs.
#
#   PYTHON    the interpreter to build it with        make test PYTHON=python3.13
#   VENV      where it lives                          make test VENV=.venv-3.13
#   CONFIG    the experiment of `make run`            make run CONFIG=configs/copying.yaml
#   ARGS      more arguments for `run` or the tests   make test ARGS="-k chrono"
#   BENCH     the benchmarks of `make bench`, which   make bench BENCH=layers ARGS="--rounds 3"
#             all have to take ARGS
#   AOT_VENV  where `make test-aot` has libtpu, out   make test-aot AOT_VENV=.venv-3.13-aot
#             of the way of everything else

PYTHON ?= python3
VENV ?= .venv
AOT_VENV ?= .venv-aot
CONFIG ?= configs/adding.yaml
ARGS ?=
BENCH ?= layers training memory
WORKERS ?= 2

RUN := $(VENV)/bin/python -m
PIP := $(RUN) pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Which Python this is, whatever it is called: its version and where it is installed.
IDENTITY := import sys; \
	print("%d.%d.%d in %s" % (sys.version_info[:3] + (getattr(sys, "base_prefix", sys.prefix),)))

.PHONY: help install run test test-optimised test-peers test-aot test-engines reliability bench \
	golden lint format constraints clean FORCE
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## create the environment, or bring it up to date

run: install ## train CONFIG (default: configs/adding.yaml)
	$(RUN) experiments run $(CONFIG) $(ARGS)

test: install ## run all tests and the examples in docstrings
	$(RUN) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-optimised: install ## run the tests of executors and training, compiled as for users
	OPTIMISED=1 $(RUN) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
		tests/lstm_jax/executors tests/lstm_jax/training $(ARGS)

test-peers: $(VENV)/.installed-peers ## compare with torch, keras, flax, haiku and equinox themselves
	$(RUN) pytest -n $(WORKERS) --dist worksteal tests/peers tests/experiments/bench/peers $(ARGS)

test-engines: $(VENV)/.installed-engines ## run sweeps on Ray and submitit, and log to Weights & Biases
	$(RUN) pytest -n $(WORKERS) --dist loadfile tests/experiments/sweep tests/experiments/sinks $(ARGS)

reliability: $(VENV)/.installed-engines ## kill, damage, starve and mislead runs: some 25 minutes
	$(RUN) pytest -n $(WORKERS) --dist worksteal -o faulthandler_timeout=0 tests/reliability $(ARGS)

test-aot: ## compile for TPUs, which need not be there
	@$(MAKE) --no-print-directory VENV=$(AOT_VENV) $(AOT_VENV)/.installed-aot
	$(AOT_VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile \
		tests/lstm_jax/executors/test_pallas_tpu.py tests/experiments/compile/test_command.py \
		tests/experiments/compile/test_every_executor_compiles.py \
		tests/experiments/compile/test_platforms.py $(ARGS)

# Large arrays in huge pages, for all who are compared; glibc alone reads it.
bench: export GLIBC_TUNABLES := glibc.malloc.hugetlb=1
bench: $(VENV)/.installed-peers ## time layers and training beside them, and measure memory
	set -e; for what in $(BENCH); do \
		case $$what in layers) what="layers --executors" ;; esac; \
		$(RUN) experiments bench $$what $(ARGS); \
	done

golden: $(VENV)/.installed-peers ## write anew the numbers of those that `make test` compares with
	KERAS_BACKEND=torch $(RUN) tests.peers.golden

lint: install ## check format, style and types
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy

format: install ## format the code, fix what can be fixed by itself
	$(RUN) ruff check --fix-only .
	$(RUN) ruff format .

# Rewritten, and the environment rebuilt, only when PYTHON names another interpreter.
$(VENV)/.python: FORCE
	@is=$$($(PYTHON) -c '$(IDENTITY)' 2>/dev/null) || { \
		echo "PYTHON=$(PYTHON) does not run; name a Python of 3.11 or newer, as in" \
			"make install PYTHON=python3.13" >&2; exit 1; }; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "lstm_jax needs Python 3.11 or newer and $(PYTHON) is $$is; name another, as in" \
			"make install PYTHON=python3.13" >&2; exit 1; }; \
	if [ "$$(cat $@ 2>/dev/null)" != "$$is" ]; then \
		if [ -e $(VENV) ] && [ ! -e $(VENV)/pyvenv.cfg ]; then \
			echo "VENV=$(VENV) exists and is no Python environment; name another" >&2; exit 1; \
		fi; \
		echo "Creating $(VENV) with Python $$is"; \
		rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) && echo "$$is" >$@; \
	fi

# hatchling first: without build isolation a later update needs no network.
$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing lstm_jax and its tools in $(VENV), a few minutes the first time"
	@$(PIP) hatchling
	@$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

$(VENV)/.installed-peers: $(VENV)/.installed
	@echo "Installing torch, keras, haiku and equinox in $(VENV)"
	@$(PIP) --no-build-isolation --editable '.[dev,peers]'
	@touch $@

$(VENV)/.installed-engines: $(VENV)/.installed
	@echo "Installing Ray, submitit and Weights & Biases in $(VENV)"
	@$(PIP) --no-build-isolation --editable '.[dev,ray,slurm,wandb]'
	@touch $@

$(VENV)/.installed-aot: $(VENV)/.installed
	@echo "Installing the compiler for TPUs in $(VENV)"
	@$(PIP) --no-build-isolation --editable '.[dev,tpu-aot]'
	@touch $@

# The peers, libtpu and the engines of sweeps are pinned for Python 3.11 alone, where CI uses them.
# Lines that both Pythons share, then those of one alone with a marker.
constraints: ## pin anew what CI tests, from fresh installs on Python 3.11 and 3.13
	@new=$$(mktemp -d) && trap 'rm -rf "$$new"' EXIT && \
	for version in 3.11 3.13; do \
		echo "Resolving for Python $$version" && \
		if [ $$version = 3.11 ]; then extras=dev,peers,tpu-aot,ray,slurm,wandb; else extras=dev; fi && \
		python$$version -m venv $$new/$$version && \
		$$new/$$version/bin/python -m pip install --quiet hatchling --editable ".[$$extras]" && \
		$$new/$$version/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' | \
			LC_ALL=C sort >$$new/$$version.txt || exit 1; \
	done && \
	{ \
		echo '# What CI tests. Written by `make constraints`.'; \
		{ \
			comm -12 $$new/3.11.txt $$new/3.13.txt; \
			comm -23 $$new/3.11.txt $$new/3.13.txt | sed 's/$$/ ; python_version < "3.12"/'; \
			comm -13 $$new/3.11.txt $$new/3.13.txt | sed 's/$$/ ; python_version >= "3.12"/'; \
		} | LC_ALL=C sort --ignore-case; \
	} >constraints.txt

clean: ## remove caches and build outputs; keep the environment and runs/
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find lstm_jax experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +
