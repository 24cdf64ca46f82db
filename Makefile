# Everything a person types here. `make` lists it.
PYTHON ?= python3
CODE   := services shared deploy tests bench
N      ?= 300
KILLS  ?= 20
SEED   ?= 1
RATE   ?= 50
FILE   ?=
ARGS   ?=

BIN   := .venv/bin
READY := .venv/.ready
UV     = $$(command -v uv >/dev/null && uv --version >/dev/null 2>&1 && echo uv || echo $(PYTHON) -m uv)
# pip refuses a system Python that the distribution manages; everywhere else the flag would be wrong.
MANAGED := import os, sys, sysconfig; print("--break-system-packages" if sys.prefix == sys.base_prefix \
	and os.path.exists(sysconfig.get_path("stdlib") + "/EXTERNALLY-MANAGED") else "")

MAKEFLAGS += --no-print-directory
# Services start three times as fast from code that is kept compiled, whatever the environment says of it.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-14s %s\n' "$$name" "$$text"; done

setup: $(READY) ## the Python environment in .venv (every target below sees to it by itself)

demo: $(READY) ## a complaint from first word to closing, on real servers (FILE=path: your own)
	@file="$(FILE)"; [ -z "$$file" ] || [ -e "$$file" ] || file="$(PWD)/$$file"; \
	exec $(BIN)/python -m deploy.local.demo $${file:+"$$file"}

up: $(READY) ## the whole system on this machine, until Ctrl-C
	@exec $(BIN)/python -m deploy.local.up

test: $(READY) ## all tests, on real servers, in two processes (ARGS="-k name", ARGS="-n 0": in one)
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY) ## lint, format, types, walls between the rooms
	@echo "ruff";         $(BIN)/ruff check --quiet .
	@echo "ruff format";  $(BIN)/ruff format --quiet --check .
	@echo "mypy";         $(BIN)/mypy --strict --no-error-summary $(CODE)
	@echo "lint-imports"; mkdir -p .local; $(BIN)/lint-imports >.local/imports.txt 2>&1 || { cat .local/imports.txt; exit 1; }
	@echo "house rules";  $(BIN)/python -m tests.house.rules

evaluate: $(READY) ## how well texts are classified (FILE=path: labelled JSON lines)
	@file="$(FILE)"; [ -e "$$file" ] || file="$(PWD)/$$file"; exec $(BIN)/python -m deploy.evaluate "$$file" $(ARGS)

bench: $(READY) ## all that is measured, beside a floor and a ceiling (ARGS="--parts chain,accept")
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m bench $(ARGS)

bench-accept: $(READY) ## how many complaints are taken in a second, beside a bare route
	@$(BIN)/python -m bench.accept $(ARGS)

bench-policies: $(READY) ## what a grading costs under every pack, and a rehearsal over 10,000
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m bench.policies $(ARGS)

bench-deadlines: $(READY) ## what a due time costs, a claim among 1,000,000, 20,000 due in a minute
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m bench.deadlines $(ARGS)

bench-ledger: $(READY) ## the ledger, figures and history among 1,000,000 complaints (ARGS="--n 20000")
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m bench.ledger $(ARGS)

bench-mails: $(READY) ## kill notify -9 while it sends mails, count what is missing and what came twice (N, KILLS, SEED)
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m bench.mails $(if $(filter file,$(origin N)),,--n $(N)) --kills $(KILLS) --seed $(SEED)

bench-charts: $(READY) ## how often charts cry wolf, and how soon they see a bad batch (ARGS="--runs 100")
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m bench.charts $(ARGS)

bench-webhooks: $(READY) ## whether endpoints that hang or fail delay the others (ARGS="--n 1000")
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m bench.webhooks $(ARGS)

bench-replay: $(READY) ## how many events a second a replay of the history gives (N events, else 1,000,000)
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m bench.replay $(if $(filter file,$(origin N)),,--n $(N))

bench-copies: $(READY) ## how fast many complaints are copied, and brought back (ARGS="--n 100000")
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m bench.copies $(ARGS)

oracle: $(READY) ## due times beside a count of minutes, for many random calendars (N=100000, SEED)
	@$(BIN)/python -m tests.sla.oracle $(N) $(SEED)

faults: $(READY) ## kill, cut off, slow down and poison at random, count what was lost (N, KILLS, SEED)
	@$(BIN)/python -m tests.faults --n $(N) --kills $(KILLS) --seed $(SEED) $(ARGS)

mutants: $(READY) ## switch off one safety after the other: an experiment must notice each (ARGS="--only NAME")
	@$(BIN)/python -m tests.faults.mutants $(ARGS)

crashes: $(READY) ## die at every request of a complaint's way, then in random sequences, in memory (N sequences, SEED)
	@$(BIN)/python -m tests.crashes $(N) $(SEED)

rolling: $(READY) ## restart every replica in turn under load, count what failed or was lost (RATE a second, SEED)
	@$(BIN)/python -m tests.faults.rolling --rate $(RATE) --seed $(SEED) $(ARGS)

schemathesis: $(READY) ## ask every operation of every service anything (N examples of each, SEED)
	@$(BIN)/python -m tests.openapi --n $(N) --seed $(SEED)

hostile: $(READY) ## hostile input of every kind, count what was not refused in order (N examples of each, SEED)
	@$(BIN)/python -m tests.hostile --n $(N) --seed $(SEED)

contract: $(READY) ## whether a change of events breaks subscribers (ARGS=release: promise what was added)
	@$(BIN)/python -m deploy.contract $(ARGS)

examples: $(READY) ## a real event of each public type, played on real servers
	@REDRESS_AMQP_URL=- REDRESS_MONGO_URL=- $(BIN)/python -m deploy.examples

smoke: $(READY) ## the running containers answer
	@$(BIN)/python -m deploy.smoke $(ARGS)

sbom: $(READY) ## bill of materials as CycloneDX JSON (ARGS=--image: with the image's Debian packages)
	@$(BIN)/python -m deploy.sbom $(ARGS)

audit: $(READY) ## known vulnerabilities of packages and image; exit code 3 if that could not be asked
	@$(BIN)/python -m deploy.audit

clean: ## remove .venv, .local and all caches
	@rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml requirements.lock
	@uv --version >/dev/null 2>&1 || $(PYTHON) -m uv --version >/dev/null 2>&1 || { echo "installing uv ..."; \
		$(PYTHON) -m pip install --quiet --quiet --root-user-action=ignore $$($(PYTHON) -c '$(MANAGED)') uv \
		|| { echo "Mend: apt-get install python3-pip, or install uv by hand" >&2; exit 1; }; }
	@command -v uv >/dev/null || ! command -v pyenv >/dev/null || pyenv rehash
	@command -v uv >/dev/null || echo "note: uv is not on PATH; say '$(PYTHON) -m uv run' for 'uv run'"
	@echo "installing Python packages ..."
	@$(BIN)/python -c '' 2>/dev/null || $(UV) venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv
	@$(UV) pip sync --quiet --python $(BIN)/python requirements.lock
	@$(UV) pip install --quiet --no-deps --python $(BIN)/python -e .
	@touch $@
