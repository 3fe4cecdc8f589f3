# Everything a person or CI runs. All paths are relative: the checkout may lie in a folder
# with blanks or Chinese characters.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=

# A private certificate authority in front of the package index is common in companies.
export UV_SYSTEM_CERTS := 1
export UV_HTTP_TIMEOUT ?= 180

PO_FILES := $(wildcard node/words/locale/*/LC_MESSAGES/*.po)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help setup
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

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

$(VENV)/.locked: $(VENV)/.uv requirements.lock build-constraints.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock \
	    --build-constraints build-constraints.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml hatch_build.py
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.catalogs: $(VENV)/.installed $(PO_FILES)
	@$(BIN)/python hatch_build.py
	@touch $@
