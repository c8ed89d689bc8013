# make demo    from real Chinese text to a fine-tuned score, four to six minutes on two cores
# make test    formatting, types, import contracts, every test
# make check   the same without the tests
# make clean   forget the environment and caches; what was trained, in runs/, stays

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TORCH  ?= torch==2.13.0
READY  := $(VENV)/.ready

.PHONY: demo test check install clean

demo: install
	$(BIN)/python -m pretrain.run recipes/macbert_tiny.yaml

test: check
	$(BIN)/python -m pytest

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

install: $(READY)

# torch first and only if there is none: asked for by another package, pip takes the newest build with gigabytes of CUDA.
# synonyms without its dependencies: only its file of word vectors is read, the package is never imported.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/pip install --quiet "$(TORCH)"
	$(BIN)/pip install --quiet -c constraints.txt -e ".[demo,dev,track]"
	$(BIN)/python -c "import importlib.util as u; exit(u.find_spec('synonyms') is None)" \
	  || $(BIN)/pip install --quiet --no-deps synonyms==3.10.2
	touch $(READY)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
