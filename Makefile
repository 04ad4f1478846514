# Each target sets itself up in .venv; a stamp there says which dependencies are installed.
PYTHON ?= python3

.PHONY: help demo test test-slow test-oldest coverage check docs bench bench-quick bench-competitors evidence evidence-again evidence-quick
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/lenet.done  ## the case study on digits; writes report.html into lenet_gap_out/
	.venv/bin/repdist lenet-gap

test: .venv/test.done  ## run the tests
	.venv/bin/python -m pytest --numprocesses auto --dist loadfile

test-slow: .venv/test.done  ## run the studies of level and coverage, and the case study from a wheel (minutes)
	.venv/bin/python -m pytest -m slow --numprocesses auto --dist worksteal

# Without the studies. Old versions are told there that they use what newer ones of others deprecate.
OLDEST = tests --ignore tests/lenet --ignore-glob 'tests/test_evidence*' --ignore tests/test_benchmarks.py

test-oldest: .venv-oldest/done  ## run the tests with the oldest versions that pyproject.toml allows
	.venv-oldest/bin/python -m pytest --numprocesses auto --dist loadfile \
		-W ignore::DeprecationWarning $(OLDEST)

coverage: .venv/test.done  ## say which lines and branches the tests run; pages in build/coverage
	.venv/bin/python -m pytest --numprocesses auto --dist loadfile --cov --cov-report term --cov-report html

check: .venv/lint.done  ## lint, format and types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

SPHINX = .venv/bin/python -m sphinx --nitpicky --fail-on-warning --keep-going --quiet docs

docs: .venv/docs.done  ## build the documentation, run its examples, check its links: docs/_build/html
	$(SPHINX) -b html docs/_build/html
	$(SPHINX) -b doctest docs/_build/doctest
	@tail -n 6 docs/_build/doctest/output.txt
	.venv/bin/python docs/check_links.py docs/_build/html

bench: .venv/numba.done  ## measure the speed: a table, a CSV file and pictures (minutes)
	.venv/bin/python -m benchmarks
	.venv/bin/python -m benchmarks.monitor

bench-quick: .venv/numba.done  ## the same in under two minutes, into build/bench-quick
	.venv/bin/python -m benchmarks --quick

bench-competitors: .venv-competitors/done  ## install the other libraries that bench then times too

evidence: .venv/base.done  ## measure level and power beside published figures (seven hours on two cores; MNIST=FOLDER for all images)
	.venv/bin/python -m benchmarks.evidence $(if $(MNIST),--mnist $(MNIST))
	.venv/bin/python -m benchmarks.evidence.drift

# How much of it.
SHARE = 0.1

evidence-again: .venv/base.done  ## a tenth of it, and whether any rate of the tables is another now (an hour; SHARE=0.05: half)
	-.venv/bin/python -m benchmarks.evidence --share $(SHARE) $(if $(MNIST),--mnist $(MNIST))
	.venv/bin/python -m benchmarks.evidence.again build/evidence-$(SHARE)

evidence-quick: .venv/base.done  ## a hundredth of it, in minutes, into build/evidence-0.01
	.venv/bin/python -m benchmarks.evidence --share 0.01
	.venv/bin/python -m benchmarks.evidence.drift --share 0.01

# $(1): what pip installs. An environment without a working pip is made anew; a pip before 25.1
# knows no dependency groups.
define install
	.venv/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet 'pip>=25.1'
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable $(1)
	touch $@
endef

SOURCES = pyproject.toml constraints.txt repdist/_version.py
GROUPS = .venv/test.done .venv/lint.done .venv/docs.done

.venv/base.done: $(SOURCES)
	$(call install,.)

$(GROUPS): .venv/%.done: $(SOURCES)
	$(call install,. --group $*)

# Extras, as users install them.
.venv/%.done: $(SOURCES)
	$(call install,'.[$*]')

# What .ci/oldest.py does not name is the newest that goes with the rest.
.venv-oldest/done: $(SOURCES) .ci/oldest.py
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet 'pip>=25.1'
	$(PYTHON) .ci/oldest.py > .venv-oldest/requirements.txt
	.venv-oldest/bin/python -m pip install --quiet \
		--requirement .venv-oldest/requirements.txt --editable .
	touch $@

# alibi-detect forbids NumPy 2 and newer versions of its parts, but runs with them.
.venv-competitors/done: pyproject.toml constraints.txt benchmarks/requirements-competitors.txt
	$(PYTHON) -m venv --clear .venv-competitors
	.venv-competitors/bin/python -m pip install --quiet --constraint constraints.txt \
		--requirement benchmarks/requirements-competitors.txt --editable .
	.venv-competitors/bin/python -m pip install --quiet --no-deps alibi-detect==0.13.0 \
		torch-fidelity==0.4.0 clean-fid==0.1.35
	touch $@
