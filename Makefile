# What people and CI run. `make PYTHON=python3.13 …` picks the interpreter, `make demo ARGS=…` passes arguments on.
PYTHON ?= python3

# Ends make with one line if the text that is given is not empty.
stop_if = $(if $(strip $(1)),$(error $(strip $(1))))
venv = PYTHON='$(PYTHON)' sh .ci/venv

# Two targets never install into .venv at the same time.
.NOTPARALLEL:
.PHONY: help demo test check lint bench tools
help:
	@echo 'make demo    run the whole pipeline on this machine, without an account or a network'
	@echo 'make test    run the tests'
	@echo 'make check   run formatting, lint, types, layers and the tests'
	@echo 'make bench   measure how long the commands take'

demo: .venv/installed
	@.venv/bin/gitops-bot demo $(ARGS)

test: .venv/installed-dev
	@.venv/bin/pytest -n auto $(ARGS)

check: lint test

lint: .venv/installed-dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: .venv/installed
	@.venv/bin/python bench/run $(ARGS)

# The stamps: nothing is installed again until pyproject.toml changes. Sources are used in place.
.venv/installed: pyproject.toml | tools
	@$(venv) .

.venv/installed-dev: pyproject.toml | tools
	@$(venv) '.[dev]'

tools:
	$(call stop_if,$(shell $(venv) missing))
	@:
