# demo   the main job on real input, from a raw corpus to a verdict
# ladder the whole question of this field on the demo: seven ways, the trained ones from three seeds each (hours)
# curve  how much data it takes: the demo's rungs after 75, 150, 300 and 600 examples
# canaries   does the tuned model give out what was planted, with masking and without?
# serving    tokens a second of base, adapter, merged and full, and bytes a tenant; after `make ladder` or `make demo`
# drift  an old adapter on an old index, on a new one, and trained anew, on what a list changed in five years
# test   everything that should pass; lint   ruff, the layers, mypy; bench   speed and memory against named peers
# Each sets up .venv when it is missing. PYTHON names the interpreter (3.11 or later).
# WORKERS is how many processes share the tests: each takes a core and up to 3 GiB.
# TORCH_INDEX=<URL of an index of CPU builds> spares a machine without a GPU the CUDA libraries, where pip would
# otherwise take them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXAMPLE := examples/icd10-eye-ear
DRIFT := $(EXAMPLE)/corpus/drift
LADDER_RUN := runs/icd10-eye-ear-ladder
LADDER := --set 'rungs=[classical, base, fewshot, rag, qlora, qlora+rag, lora, lora+rag, full, full+rag]' \
	--set benchmark.seeds=3 --set train.learning_rate=null \
	--set 'economics={requests_per_month: 20000, usd_per_wrong_answer: 1.50, usd_per_abstention: 0.10,\
	usd_per_escalation: 0.80, usd_per_review: 400, trainings: 4}'
WORKERS := 2
GPU := $(shell command -v nvidia-smi 2>/dev/null)
TORCH := $(shell grep '^torch==' constraints.txt)

.PHONY: demo ladder curve canaries serving drift test lint bench clean setup
.DELETE_ON_ERROR:

demo: $(STAMP)
	@test -f $(EXAMPLE)/corpus/planted.json || $(BIN)/python $(EXAMPLE)/build_corpus.py
	@$(BIN)/nichetune run --project $(EXAMPLE) --run-dir runs/icd10-eye-ear

# With passages where the task asks for them, so that a tuned rung is weighed against `rag` on equal terms; learning
# rates by method, since the demo's own suits adapters only; at the prices of docs/economics.md, which are an example's.
# Stages that stand are reused: it may be stopped.
ladder: $(STAMP)
	@test -f $(EXAMPLE)/corpus/planted.json || $(BIN)/python $(EXAMPLE)/build_corpus.py
	@$(BIN)/nichetune run --project $(EXAMPLE) --run-dir $(LADDER_RUN) $(LADDER)
	@$(MAKE) --no-print-directory drift

# Three arms on one suite: what re-indexing gives an old adapter, and what training anew adds (docs/experiments.md).
drift: $(STAMP)
	@test -f $(DRIFT)/2026/suite.jsonl || $(BIN)/python $(EXAMPLE)/build_drift.py
	@$(BIN)/nichetune run --project $(DRIFT)/2021 --run-dir runs/drift/old
	@$(BIN)/nichetune run --project $(DRIFT)/2026 --run-dir runs/drift/reindexed --set train.from_run=$(CURDIR)/runs/drift/old
	@$(BIN)/nichetune run --project $(DRIFT)/2026 --run-dir runs/drift/retrained
	@for part in changed stayed; do for arms in 'old reindexed' 'reindexed retrained'; do set -- $$arms; \
		echo "what $$part, $$2 over $$1:"; $(BIN)/nichetune compare --suite drift --part $$part \
		runs/drift/$$1/evaluate/qlora+rag runs/drift/$$2/evaluate/qlora+rag || exit; done; done

# Each size, and each arm, is a run of its own: they may be stopped, and a finished one is reused.
curve: $(STAMP)
	@test -f $(EXAMPLE)/corpus/planted.json || $(BIN)/python $(EXAMPLE)/build_corpus.py
	@$(BIN)/python bench/curve.py

canaries: $(STAMP)
	@test -f $(EXAMPLE)/corpus/planted.json || $(BIN)/python $(EXAMPLE)/build_corpus.py
	@$(BIN)/python $(EXAMPLE)/canaries.py

serving: $(STAMP)
	@$(BIN)/python bench/serving.py --run $(if $(wildcard $(LADDER_RUN)/train/full/adapter),$(LADDER_RUN),runs/icd10-eye-ear)

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python bench/training.py
	$(BIN)/python bench/dedupe.py
	$(BIN)/python bench/evaluate.py

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "error: $(PYTHON) is missing or older than 3.11: set PYTHON=..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (two to four minutes, once)"
	@$(BIN)/pip install -q --disable-pip-version-check $(if $(GPU),,$(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))) $(TORCH)
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) runs build dist .pytest_cache .mypy_cache .ruff_cache $(EXAMPLE)/corpus
