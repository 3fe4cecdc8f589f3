# Everything a person or CI runs. All paths are relative: the checkout may lie in a folder
# with blanks or Chinese characters.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=

# A private certificate authority in front of the package index is common in companies.
export UV_SYSTEM_CERTS := 1
export UV_HTTP_TIMEOUT ?= 180

SECONDS ?= 3600

PROTOS := $(shell find protos -name '*.proto' | LC_ALL=C sort)
PO_FILES := $(wildcard node/words/locale/*/LC_MESSAGES/*.po)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help setup demo lab-asterisk test test-telephony sim sim-long chaos board-faults bench bench-telephony check lint types contracts protos-check words-check
.PHONY: protos messages lock clean
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.catalogs ## make .venv with exactly the locked packages; a second run does nothing

$(VENV)/.python:
	@python="$$(PYTHON='$(PYTHON)' sh deploy/find-python.sh)" \
	    && echo "setup: $$python ($$("$$python" -c 'import platform; print(platform.python_version())'))" \
	    && "$$python" -m venv --clear $(VENV)
	@touch $@

# uv itself comes by pip, with the version and hashes of the lock.
$(VENV)/.uv: $(VENV)/.python requirements.lock
	@awk '/^[^ #]/ { wanted = /^uv==/ } wanted' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@touch $@

# uv reads no pip configuration, so a mirror that only pip was told of is passed on.
$(VENV)/.locked: $(VENV)/.uv requirements.lock build-constraints.txt
	@index="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}}"; \
	    $(BIN)/uv pip install --quiet --python $(BIN)/python $${index:+--default-index "$$index"} \
	    --require-hashes -r requirements.lock --build-constraints build-constraints.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml hatch_build.py
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.catalogs: $(VENV)/.installed $(PO_FILES)
	@$(BIN)/python hatch_build.py
	@touch $@

demo: setup ## three sites on this machine, a busy hour, a night
	@$(BIN)/trunkline lab --sites 3 --speed 120

lab-asterisk: setup ## the same with real Asterisks and SIP phones, two minutes of calls in real time
	@$(BIN)/trunkline lab --telephony asterisk --sites 3 --minutes 2

test: setup ## the test suite, but for those that break a whole cluster or need Asterisk
	@$(BIN)/python -m pytest -n 2 --ignore=tests/chaos --ignore=tests/telephony --ignore=tests/bench

sim: setup ## play 2,000 seeded worlds with faults; every law looks on
	@$(BIN)/python -m tests.sim.run --worlds 2000

# Other worlds than `make sim` plays, and others each time.
sim-long: setup ## the same for SECONDS (3600), or until Ctrl-C
	@$(BIN)/python -m tests.sim.run --seconds $(SECONDS) --first $$(date +%s)0000

chaos: setup ## break a running cluster and see the laws hold
	@$(BIN)/python -m pytest -n 3 tests/chaos

board-faults: setup ## break the load board in every way and write docs/board-faults.md
	@$(BIN)/python -m tests.chaos.board_table

# By itself: its thousand calls are to be the only load.
TELEPHONY_LOAD = tests/telephony/test_whole_load.py

test-telephony: setup ## calls through a real Asterisk, which is fetched when there is none; needs SIPp
	@$(BIN)/python -m pytest --pbx asterisk $(TELEPHONY_LOAD)
	@$(BIN)/python -m pytest -n 3 --pbx asterisk --ignore=$(TELEPHONY_LOAD) \
	    tests/telephony tests/contract/test_telephony_contract_*.py

bench: setup ## measure, print a table and write build/bench.json
	@mkdir -p build
	@$(BIN)/python -m tests.bench

bench-telephony: setup ## the branch beside app_queue, with SIPp; writes docs/app-queue.md
	@mkdir -p build
	@$(BIN)/python -m tests.bench.telephony $(RATES)

check: lint types contracts protos-check words-check ## every static check; make -k check names all that fail

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports --no-logo

protos-check: setup
	$(BIN)/buf lint
	@rm -rf build/protos && mkdir -p build/protos
	@$(call generate,build/protos)
	diff -r --exclude='*.proto' --exclude=__pycache__ protos build/protos || { echo "run: make protos" >&2; exit 1; }

words-check: build/trunkline.pot
	$(BIN)/pybabel --quiet update --check $(CATALOG_FLAGS) || { echo "run: make messages" >&2; exit 1; }
	$(BIN)/python hatch_build.py check

# The plugins are found on the PATH; a file without a service needs no stubs.
SERVICES = $(shell grep -l '^service ' $(PROTOS))
protoc = PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I protos
generate = $(protoc) --python_out=$(1) --mypy_out=quiet:$(1) $(PROTOS) \
    $(if $(SERVICES),&& $(protoc) --grpc_python_out=$(1) --mypy_grpc_out=quiet:$(1) $(SERVICES))

protos: setup ## generate the code of protos/**/*.proto anew
	@find protos \( -name '*_pb2*.py' -o -name '*_pb2*.pyi' \) -exec rm -f {} +
	@$(call generate,protos)

CATALOG_FLAGS = --domain trunkline --input-file build/trunkline.pot --output-dir node/words/locale \
    --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap

.PHONY: build/trunkline.pot
build/trunkline.pot: setup
	@mkdir -p build
	@$(BIN)/pybabel --quiet extract --mapping-file babel.cfg --keywords plural:1,2 --keywords marked --add-location file --sort-by-file \
	    --no-wrap --project trunkline --output-file $@ .

messages: build/trunkline.pot ## bring the message catalogs up to date with the source
	@$(BIN)/pybabel update $(CATALOG_FLAGS)
	@$(BIN)/python hatch_build.py

lock: $(VENV)/.uv ## resolve the versions anew; LOCK="--upgrade" for the newest
	@mkdir -p build
	@printf 'setuptools\nwheel\n' | $(BIN)/uv pip compile - $(LOCK_FLAGS) --no-annotate --output-file build-constraints.txt
	@$(BIN)/uv pip compile pyproject.toml --extra lab --group dev $(LOCK_FLAGS) \
	    --build-constraints build-constraints.txt --output-file requirements.lock

# Every address stays out, so that a lock made behind a mirror serves everybody.
LOCK_FLAGS = $(LOCK) --quiet --no-config --universal --python-version 3.11 --generate-hashes \
    --custom-compile-command 'make lock'

clean: ## remove what was made here, the virtual environment included
	@rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find node/words -name '*.mo' -exec rm -f {} +
	@find . -name __pycache__ -type d -exec rm -rf {} +
