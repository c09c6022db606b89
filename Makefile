# Everything from Python 3.11 (or newer: PYTHON=...), a C++ compiler and the package index; `make help` lists the targets.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CPP := $(shell find cpp -name '*.cpp' -o -name '*.hpp')
CMAKE_FILES := $(wildcard CMakeLists.txt cpp/*/CMakeLists.txt)
DRIVERS := -S . -G Ninja --log-level=WARNING -DVIVACE_PYTHON=OFF -DVIVACE_CPP_TESTS=ON
PYTEST_ARGS ?=

export PIP_NO_INPUT := 1
export PATH := $(abspath $(BIN)):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help env test check bench docs demo format wheel lowest clean \
        lint types structure sanitize portable aarch64 tidy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- environment: two stamps, so that a second run only looks at dates -----------------------------------------------
$(VENV)/tools.stamp: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip
	$(PIP) install --quiet cmake ninja $$($(BIN)/python tools/requirements.py build)
	touch $@

# Editable: Python files are read where they stand; only C++ and build files make a new build. What it requires comes before, in
# pip's own way: some of it is built from source, with tools that are not installed here.
$(VENV)/package.stamp: $(VENV)/tools.stamp $(CPP) $(CMAKE_FILES)
	$(PIP) install --quiet $$($(BIN)/python tools/requirements.py run cli tables plots report test docs dev)
	$(PIP) install --quiet --no-build-isolation --no-deps --editable .
	$(PIP) install --quiet --no-deps fcsparser==0.2.8  # tests read its files; it asks for NumPy 1
	touch $@

env: $(VENV)/package.stamp ## the virtual environment, the package and every development tool

# ---- what people run -------------------------------------------------------------------------------------------------
demo: env ## segment two photographs, pictures in demo-output/; topics of docstrings
	$(BIN)/vivace demo --out demo-output
	$(BIN)/vivace demo --topics

test: env ## the test suite (PYTEST_ARGS=...)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(PYTEST_ARGS)

check: lint types structure docs tidy portable sanitize ## style, types, structure, documentation, sanitizers

bench: env ## asv, quickly, against the working tree
	cd benchmarks && asv machine --yes >/dev/null && asv run --quick --show-stderr --python=same

docs: env ## the documentation, in docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

format: env ## rewrite Python and C++ in the project's style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

wheel: env ## wheel and sdist, each installed into a clean environment and tried there
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python tools/try_install.py dist/*.whl dist/*.tar.gz

lowest: ## the tests on the lowest versions that pyproject.toml allows
	test -x .venv-lowest/bin/python || $(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet cmake ninja $$($(PYTHON) tools/requirements.py --lowest build run cli tables plots report test)
	.venv-lowest/bin/python -m pip install --quiet --no-build-isolation --no-deps --config-settings=build-dir=build/lowest .
	.venv-lowest/bin/python -m pytest $(PYTEST_ARGS)

clean: ## remove what was built, environments included
	rm -rf build dist demo-output docs/_build docs/api/generated docs/guide/pictures .venv .venv-lowest .pytest_cache .mypy_cache .ruff_cache .hypothesis .asv

# ---- parts of `make check` -------------------------------------------------------------------------------------------
lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run -Werror $(CPP)

types: env
	$(BIN)/mypy

structure: env
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_symbols.py

sanitize: env ## C++ test drivers under the address and undefined-behaviour sanitizers
	$(BIN)/cmake $(DRIVERS) -B build/sanitize -DVIVACE_SANITIZE=address,undefined \
	    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1 -D_GLIBCXX_ASSERTIONS"
	$(BIN)/cmake --build build/sanitize
	$(BIN)/ctest --test-dir build/sanitize --output-on-failure

portable: env ## C++ test drivers with the kernels that other processors get
	$(BIN)/cmake $(DRIVERS) -B build/portable -DCMAKE_SYSTEM_NAME=$(shell uname -s) -DCMAKE_SYSTEM_PROCESSOR=generic
	$(BIN)/cmake --build build/portable
	$(BIN)/ctest --test-dir build/portable --output-on-failure

# Needs g++-aarch64-linux-gnu and qemu-user-static (Debian's names); no part of `make check`.
aarch64: env ## C++ test drivers for AArch64, emulated
	$(BIN)/cmake $(DRIVERS) -B build/aarch64 -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
	    -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
	    "-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64-static;-L;/usr/aarch64-linux-gnu"
	$(BIN)/cmake --build build/aarch64
	$(BIN)/ctest --test-dir build/aarch64 --output-on-failure

tidy: env ## clang-tidy, where it is installed
	@if [ -x $(BIN)/clang-tidy ]; then \
	    $(BIN)/clang-tidy -p $$(ls -td build/cp* | head -n 1) --quiet $(wildcard cpp/*.cpp cpp/kernels/*.cpp); \
	else echo "clang-tidy is not installed: skipped"; fi
