# Every target creates what it needs. A fresh clone, git, make and Python 3.11 or newer are enough.
# Another interpreter: make test PYTHON=python3.13 VENV=build/venvs/3.13

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

BIN    := $(VENV)/bin
PIP    := python -m pip -qq --disable-pip-version-check --no-input
PINS   := .ci/pins
COMPILE = build/venvs/pins/bin/uv pip compile pyproject.toml --quiet --no-config --universal --python-version 3.11 \
  --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header
CODE    = $(wildcard src tests examples .ci/docs.py)

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export NO_MKDOCS_2_WARNING := 1

# Two workers for each core: many tests wait for a socket or for another process.
WORKERS ?= --numprocesses $(shell $(PYTHON) -c 'import os; print(2 * os.cpu_count())') --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PRECIOUS: %/.created

# --- what everybody uses -----------------------------------------------------------------------------------------------

.PHONY: help demo test check
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## cancel orders at all four marketplaces, simulated here over real HTTP
	@$(BIN)/python examples/cancel_everywhere.py $(ARGS)

# Many tests start Python: each module is compiled once, whatever the environment says of bytecode.
test coverage oldest: export PYTHONDONTWRITEBYTECODE :=

test: $(VENV)/.dev  ## run the whole suite (ARGS="-k retry" for a part of it)
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

check: lint types docs test wheel  ## everything that has to hold before a change lands

# --- checks ------------------------------------------------------------------------------------------------------------

.PHONY: lint format types docs wheel coverage oldest
lint: $(VENV)/.dev  ## ruff, and the import rules: which part may use which
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/ruff format --quiet --check $(CODE) || { $(BIN)/ruff format --check $(CODE); exit 1; }
	@$(BIN)/lint-imports --no-cache --no-logo

format: $(VENV)/.dev  ## let ruff mend what it can
	@$(BIN)/ruff check --fix --quiet $(CODE)
	@$(BIN)/ruff format $(CODE)

types: $(VENV)/.dev  ## mypy --strict, pyright, and 100 % of the public interface typed
	@$(BIN)/mypy $(wildcard src tests examples)
	@$(BIN)/pyright --pythonpath $(abspath $(BIN)/python)
	@PATH="$(abspath $(BIN)):$$PATH" pyright --verifytypes countermand --ignoreexternal > $(VENV)/verifytypes.txt \
	  && grep -q 'Type completeness score: 100%' $(VENV)/verifytypes.txt \
	  || { cat $(VENV)/verifytypes.txt; exit 1; }
	@grep 'Type completeness score' $(VENV)/verifytypes.txt

docs: $(VENV)/.dev  ## build the pages into build/site, with no dead link
ifeq ($(wildcard docs/*.md),)
	@echo 'docs: there are no pages yet'
else
	@$(BIN)/mkdocs build --strict --config-file .ci/mkdocs.yml > $(VENV)/docs.txt 2>&1 || { cat $(VENV)/docs.txt; exit 1; }
	@echo 'docs: build/site/index.html'
endif

wheel: $(VENV)/.dev  ## build sdist and wheel, and try the wheel with src/ out of reach
	@rm -rf build/dist build/wheel
	@$(BIN)/python -m hatchling build --target sdist --directory build/dist > /dev/null 2>&1
	@$(BIN)/$(PIP) wheel --no-deps --no-build-isolation --wheel-dir build/dist build/dist/*.tar.gz > /dev/null
	@echo "wheel: $$(cd build/dist && ls | tr '\n' ' ')"
	@$(BIN)/python tests/wheel/contents.py build/dist
	@$(BIN)/python -m venv build/wheel
	@build/wheel/bin/$(PIP) install --require-hashes -r $(PINS)/demo.txt
	@build/wheel/bin/$(PIP) install --no-deps build/dist/*.whl
	@top=$$PWD && empty=$$(mktemp -d) && cd $$empty && $$top/build/wheel/bin/python -I $$top/tests/wheel/smoke.py; \
	  status=$$?; rmdir $$empty; exit $$status

coverage: $(VENV)/.dev  ## the suite with branch coverage
	@$(BIN)/coverage run -m pytest $(ARGS)
	@$(BIN)/coverage report

oldest: build/venvs/oldest/.ready  ## the suite with the oldest dependencies that pyproject.toml allows
	@build/venvs/oldest/bin/python -m pytest --quiet $(WORKERS) $(ARGS)

# --- the truth under faults --------------------------------------------------------------------------------------------

.PHONY: simulate replay sockets mutants stored soak
simulate: $(VENV)/.dev  ## faulted cancellations under virtual time (ARGS for its options)
	@$(BIN)/python -m tests.faults.simulate $(ARGS)

replay: $(VENV)/.dev  ## tell the story of one simulated case: make replay SEED=…
	@test -n "$(SEED)" || { echo 'Say which case: make replay SEED=…' >&2; exit 2; }
	@$(BIN)/python -m tests.faults.replay $(SEED) $(ARGS)

sockets: $(VENV)/.dev  ## the same faults over real sockets
	@$(BIN)/python -m tests.faults.sockets $(ARGS)

mutants: $(VENV)/.dev  ## plant wrong versions of the SDK; the suite must catch each
	@$(BIN)/python -m tests.faults.mutants $(ARGS)

stored: $(VENV)/.dev  ## write and read back what simulated calls end in
	@$(BIN)/python -m tests.faults.stored $(ARGS)

soak: $(VENV)/.dev  ## a long run, watching memory, sockets and tasks
	@$(BIN)/python -m tests.faults.soak $(ARGS)

.PHONY: bulk-faults bulk-whole bulk-memory bulk-pace
bulk-faults: $(VENV)/.dev  ## 100,000 cancellations with faults, killed 20 times and resumed (ARGS for its options)
	@$(BIN)/python -m tests.bulk.killing --between 4 40 $(ARGS)

bulk-whole: $(VENV)/.dev  ## 100,000 cancellations without a network for a minute, and with one of four accounts under 429
	@$(BIN)/python -m tests.bulk.whole $(ARGS)

bulk-memory: $(VENV)/.dev  ## peak memory at 100,000 requests over that at 1,000
	@$(BIN)/python -m tests.bulk.memory $(ARGS)

bulk-pace: $(VENV)/.dev  ## the learnt pace against every kind of limit, in virtual time (ARGS="20 60" for the limits)
	@$(BIN)/python -m tests.bulk.pacing $(ARGS)

# --- speed -------------------------------------------------------------------------------------------------------------

.PHONY: bench bench-check
bench: build/venvs/bench/.ready  ## measure against bare HTTP and other SDKs; writes docs/benchmarks.md
	@build/venvs/bench/bin/python -m tests.benchmarks $(ARGS)

bench-check: build/venvs/bench/.ready  ## measure briefly, and fail beyond the bars
	@build/venvs/bench/bin/python -m tests.benchmarks check $(ARGS)

.PHONY: bench-bulk
bench-bulk: $(VENV)/.dev  ## cancel_many over a hand-written loop (5 to 10 minutes); writes its figures into docs/bulk.md
	@$(BIN)/python -m tests.benchmarks.bulk $(ARGS)

# --- environments ------------------------------------------------------------------------------------------------------

.PHONY: pins clean
pins: build/venvs/pins/.ready  ## compile .ci/pins anew: versions and hashes (ARGS=--upgrade for newer ones)
	@$(COMPILE) $(PINS)/demo.in --extra sandbox --output-file $(PINS)/demo.txt $(ARGS)
	@$(COMPILE) $(PINS)/demo.in $(PINS)/oldest.in --all-extras --resolution lowest-direct \
	  --output-file $(PINS)/oldest.txt $(ARGS)
	@for set in $(filter-out demo oldest,$(basename $(notdir $(wildcard $(PINS)/*.in)))); do \
	  $(COMPILE) $(PINS)/demo.in $(PINS)/$$set.in --all-extras --constraint $(PINS)/demo.txt \
	    --output-file $(PINS)/$$set.txt $(ARGS) || exit 1; \
	done
	@! grep -n '//' $(PINS)/*.txt || { echo 'a pin must not say where its package comes from' >&2; exit 1; }

clean:  ## remove every environment and everything built
	@rm -rf .venv build .coverage .pytest_cache .mypy_cache .ruff_cache
	@find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

define python-is-new-enough
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null \
  || { echo "countermand needs Python 3.11 or newer, and '$(PYTHON)' is not: name one that is with PYTHON=…" >&2; exit 1; }
endef

%/.created:
	@$(python-is-new-enough)
	@$(PYTHON) -m venv --clear $*
	@touch $@

# The environment is updated only when a pin file or pyproject.toml changes.
$(VENV)/.demo: $(PINS)/demo.txt pyproject.toml | $(VENV)/.created
	@test -e $(VENV)/.dev || echo 'Preparing $(VENV): the package and its sandbox …'
	@$(BIN)/$(PIP) install --require-hashes -r $(PINS)/demo.txt
	@$(BIN)/$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(PINS)/dev.txt $(VENV)/.demo
	@echo 'Preparing $(VENV): everything for the tests and checks …'
	@$(BIN)/$(PIP) install --require-hashes -r $(PINS)/dev.txt
	@touch $@

build/venvs/%/.ready: $(PINS)/%.txt pyproject.toml | build/venvs/%/.created
	@echo 'Preparing build/venvs/$* …'
	@build/venvs/$*/bin/$(PIP) install --require-hashes -r $(PINS)/$*.txt
	@build/venvs/$*/bin/$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

build/venvs/pins/.ready: | build/venvs/pins/.created
	@build/venvs/pins/bin/$(PIP) install uv==0.13.9
	@touch $@
