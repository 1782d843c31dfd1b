# The commands of this project. Each sets up what it needs; nothing outside this folder is touched.
PYTHON ?= python3
N ?= 20
SECONDS ?= 45
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test check format torture bench lock node-opcua clean
help:
	@echo "make demo | test | check | format | torture [N=20] | bench | lock | node-opcua | clean"

$(READY): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)
	$(BIN)/fengsui demo --seconds $(SECONDS)

test: $(READY)
	$(BIN)/python -m pytest -q -m "not torture"

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# An OPC UA server of another make, for its tests; needs npm, 70 MB. Without it they are skipped, and say so.
node-opcua: tests/drivers/node_opcua/node_modules/.package-lock.json
tests/drivers/node_opcua/node_modules/.package-lock.json: tests/drivers/node_opcua/package-lock.json
	cd tests/drivers/node_opcua && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

torture: $(READY)
	TORTURE_N=$(N) $(BIN)/python -m pytest -q -m torture

bench: $(READY)
	$(BIN)/python -m bench

lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --all-extras -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv build dist
