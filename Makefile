# Each target sets itself up in .venv; a stamp there says which dependencies are installed.
PYTHON ?= python3

.PHONY: help demo test test-slow check bench
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/lenet.done  ## the case study on digits; writes report.html into lenet_gap_out/
	.venv/bin/repdist lenet-gap

test: .venv/test.done  ## run the tests
	.venv/bin/python -m pytest

test-slow: .venv/test.done  ## run the studies of level and coverage, and the case study from a wheel (minutes)
	.venv/bin/python -m pytest -m slow

check: .venv/test.done  ## lint, format and types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

bench: .venv/base.done  ## measure the speed
	.venv/bin/python benchmarks/bench_mmd_test.py
	.venv/bin/python benchmarks/bench_pairwise.py

# $(1): what pip installs. An environment without a working pip is made anew.
define install
	.venv/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable '$(1)'
	touch $@
endef

.venv/base.done: pyproject.toml constraints.txt
	$(call install,.)

.venv/%.done: pyproject.toml constraints.txt
	$(call install,.[$*])
