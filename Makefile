# The commands of README.md. Each makes .venv by itself; `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint typecheck pytest test-processors test-min docs paper clean

demo: .venv/.demo
	$(BIN)/python examples/quickstart.py

test: lint typecheck pytest

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: .venv/.test
	$(BIN)/mypy

# One torch thread a worker: two workers on two cores are then not four threads.
pytest: .venv/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(ARGS)

docs: .venv/.docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	$(BIN)/python docs/check_site.py docs/_build/html

# From data to paper, in examples/paper/results; again, it does only what a changed setting asks for.
paper: .venv/.paper
	cd examples/paper && ../../$(BIN)/python -m snakemake --cores all $(ARGS)

# The numerical tests as other processors round: Intel's instructions without AVX-512, PyTorch's plainest kernels, and
# two threads. What is compared there must not promise last bits. A compiler writes for the processor that is there.
NUMERICAL := -k "not compiled" tests/nn tests/engine tests/estimators/test_inputs.py tests/estimators/test_point_networks.py \
	tests/estimators/test_predictions.py
OTHER_PROCESSOR := MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY

test-processors: .venv/.test
	$(OTHER_PROCESSOR)=default OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(NUMERICAL) $(ARGS)
	$(OTHER_PROCESSOR)=avx2 OMP_NUM_THREADS=2 $(BIN)/python -m pytest $(NUMERICAL) $(ARGS)

# The same tests with the oldest versions that pyproject.toml allows, in an environment of their own.
test-min: .venv-min/.test
	OMP_NUM_THREADS=1 .venv-min/bin/python -m pytest -n 2 $(ARGS)

clean:
	rm -rf .venv .venv-min docs/_build docs/api docs/auto_examples examples/paper/results examples/paper/.snakemake

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.demo: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[plot]'
	touch $@

.venv/.test: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

.venv/.docs: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv/.paper: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[paper]'
	touch $@

.venv-min/.test: pyproject.toml constraints-min.txt
	$(PYTHON) -m venv .venv-min
	.venv-min/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints-min.txt --editable '.[test]'
	touch $@
