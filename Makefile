# Each of these works alone in a fresh clone: it makes .venv and installs what it needs first; a second call is quick.
#   make demo    napari with the EM sample, segmented (OUTPUT=folder for the files it writes)
#   make test    the tests (ARGS="tests/cli -x" for some of them, PROCESSES=0 for one after the other)
#   make lint    ruff, mypy, import-linter, the plugin's manifest
#   make bench   the benchmarks' tables
#   make clean   removes .venv and everything generated

VENV := .venv
BIN := $(VENV)/bin
OUTPUT := demo-output
ARGS :=
PROCESSES := 2
# Some container images tell Python to keep nothing of what it compiles: each of the tests' processes then compiles
# torch and napari anew.
export PYTHONDONTWRITEBYTECODE :=
INSTALLED_BY := pyproject.toml constraints.txt $(wildcard tools/*)

.PHONY: demo test lint bench clean

demo: $(VENV)/installed-all
	$(BIN)/napari-unets demo --output $(OUTPUT)

test: $(VENV)/installed-dev
	tools/with-display $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate --imports napari_unets/napari.yaml

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/inference.py

clean:
	rm -rf $(VENV) demo-output build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find napari_unets tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The developers' environment holds all that the demo needs, so making it serves both.
$(VENV)/installed-all: $(INSTALLED_BY)
	tools/install $(VENV) all
	touch $@

$(VENV)/installed-dev: $(INSTALLED_BY)
	tools/install $(VENV) all,dev
	touch $(VENV)/installed-all $@
