# Kage: `make install` for users; `make test`, `make lint`, `make demo` for whoever changes it.
# A fresh machine needs python3 >= 3.10, git, tmux and make.

# Written for GNU make 3.81 (macOS) and every POSIX shell.
SHELL := /bin/sh
.DEFAULT_GOAL := help

NEWEST_FIRST := python3 python3.13 python3.12 python3.11 python3.10 python3.14
FITS := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for p in $(NEWEST_FIRST); do \
	"$$p" -c '$(FITS)' 2>/dev/null && { command -v "$$p"; break; }; done)
ENVIRONMENT := "$(or $(PYTHON),python3)" tools/environment.py .venv --editable .
SOURCES := $(wildcard rplugin/python3 tests demo tools benchmarks)
LUA := $(shell find lua plugin tests tools build.lua -name '*.lua' -not -path '*/node_modules/*' 2>/dev/null)
WORKERS ?= 4
TESTS ?= tests
CLI_TESTS ?= tests/clis

.PHONY: help install test test-clis lint lint-python lint-types lint-layers lint-lua format docs demo lock clean tmux

help:
	@echo "make install   Kage's environment and the kage command at .venv/bin/kage"
	@echo "make test      every test (TESTS=tests/unit for some, WORKERS=2 for fewer at once)"
	@echo "make test-clis the real third-party CLIs, installed into a cache (CLIS=\"claude mini\" for some)"
	@echo "make lint      ruff, mypy, import-linter, stylua, luacheck"
	@echo "make format    ruff format and stylua"
	@echo "make docs      the parts of the help that come out of the code"
	@echo "make demo      the whole loop in a real Neovim in a real tmux, without a key (KEEP=1 stays in it)"
	@echo "make lock      the hash-locked lists again, from pyproject.toml (needs uv)"
	@echo "make clean     remove what these made"

# The stamps hold a digest of the list, so an interrupted or outdated environment is finished, not trusted.
.venv/.kage-runtime: requirements.lock pyproject.toml tools/environment.py
	@$(ENVIRONMENT) --lock requirements.lock --stamp runtime

.venv/.kage-dev: requirements-dev.lock pyproject.toml tools/environment.py
	@$(ENVIRONMENT) --lock requirements-dev.lock --stamp dev

install: .venv/.kage-runtime doc/tags
	@.venv/bin/kage --help >/dev/null
	@echo "kage is at $(CURDIR)/.venv/bin/kage"
	@echo
	@echo "For your shell:   mkdir -p ~/.local/bin && ln -sf \"$(CURDIR)/.venv/bin/kage\" ~/.local/bin/kage"
	@echo "For Neovim, in ~/.config/nvim/init.lua:"
	@echo "                  vim.opt.runtimepath:prepend(\"$(CURDIR)\")"
	@echo "Then, inside it:  :checkhealth kage"

# What `:helptags doc` writes, without an editor, so that `:help kage` works at once.
doc/tags: doc/kage.txt
	@awk '{ n = split($$0, word, /[ \t]+/); for (i = 1; i <= n; i++) if (word[i] ~ /^[*][^*|"]+[*]$$/) { \
		tag = substr(word[i], 2, length(word[i]) - 2); print tag "\tkage.txt\t/*" tag "*" } }' $< \
		| LC_ALL=C sort > $@

# Without reordering, files begin in the order that tests/conftest.py gives them.
test: .venv/.kage-dev tmux
	@.venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS) || { \
		echo "Once more what failed, one at a time: real editors and terminals can be late on busy cores."; \
		.venv/bin/python -m pytest --last-failed --last-failed-no-failures none $(TESTS); }

# A CLI that its registry did not give is named and skipped; KAGE_CLIS names a folder that has them already.
test-clis: .venv/.kage-dev tmux
	@clis="$$(.venv/bin/python -m tests.clis.install $(CLIS))" && \
		export KAGE_CLIS="$$clis" CLIS="$(CLIS)" && \
		{ .venv/bin/python -m pytest -rs -n $(WORKERS) $(CLI_TESTS) || { \
			echo "Once more what failed, one at a time: these are heavy programs."; \
			.venv/bin/python -m pytest --last-failed --last-failed-no-failures none $(CLI_TESTS); }; }

# `make -k lint` goes on after the first that fails.
lint: lint-python lint-types lint-layers lint-lua

lint-python: .venv/.kage-dev
	@.venv/bin/ruff check --quiet $(SOURCES)
	@.venv/bin/ruff format --check --quiet $(SOURCES)

lint-types: .venv/.kage-dev
	@.venv/bin/mypy

lint-layers: .venv/.kage-dev
	@.venv/bin/lint-imports --no-logo --no-cache

lint-lua: tools/node_modules/.package-lock.json
	@node tools/stylua.mjs --check $(LUA)
	@command -v luacheck >/dev/null || { \
		echo "luacheck is missing. Debian, Ubuntu: apt-get install -y lua-check; macOS: brew install luacheck" >&2; \
		exit 1; }
	@luacheck --quiet $(LUA)

format: .venv/.kage-dev tools/node_modules/.package-lock.json
	@.venv/bin/ruff check --fix-only --quiet $(SOURCES)
	@.venv/bin/ruff format $(SOURCES)
	@node tools/stylua.mjs $(LUA)

tools/node_modules/.package-lock.json: tools/package.json tools/package-lock.json
	@command -v npm >/dev/null || { \
		echo "npm is missing; stylua comes from it. Debian, Ubuntu: apt-get install -y nodejs npm; macOS: brew install node" >&2; \
		exit 1; }
	@cd tools && npm ci --silent --no-audit --no-fund
	@touch $@

docs: .venv/.kage-dev
	@"$$(.venv/bin/python -c 'from demo.driver import find_neovim; print(find_neovim())')" -l tools/help.lua

demo: .venv/.kage-dev tmux
	@.venv/bin/python -m demo $(if $(filter 1,$(KEEP)),--keep)

tmux:
	@command -v tmux >/dev/null || { \
		echo "tmux is missing. Debian, Ubuntu (as root): apt-get install -y tmux; macOS: brew install tmux" >&2; \
		exit 1; }

COMPILE := uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.10 \
	pyproject.toml --group build

lock:
	@command -v uv >/dev/null || { echo "uv is missing: pip install uv" >&2; exit 1; }
	@$(COMPILE) --output-file requirements.lock
	@$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv .venv.lock tools/node_modules doc/tags build dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find rplugin tests demo tools -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf rplugin/python3/kage_nvim.egg-info
