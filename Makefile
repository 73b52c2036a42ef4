# What a person does with this project. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
PEERS_DIR ?= ../shared/peers
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.locked

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-next demo-clean test check bench bench-peers drill drill-release lock format clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(STAMP) ## create .venv and install what the lock file names (again: nothing to do)
	@echo "Set up. Next: make demo, or make test."

$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer was expected, not " + sys.version.split()[0] + ": make PYTHON=python3.11 …")'
	@echo "Creating $(VENV) and installing the locked requirements (about a minute) …"
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $(STAMP)

demo: $(STAMP) ## run the service on loopback with a real program in it (Ctrl-C ends it)
	@DEMO=1 VAR_DIR=var/demo $(RUN) manage.py demo

demo-next: $(STAMP) ## feed the demo the next month's measurements
	@DEMO=1 VAR_DIR=var/demo $(RUN) manage.py demo_next

demo-clean: ## forget the demo's data; the next make demo begins anew
	@rm -rf var/demo && echo "The demo's data are gone. Next: make demo."

test: $(STAMP) ## run all tests, on SQLite and PostgreSQL, with real workers and a real browser
	@$(RUN) -m tests.run $(ARGS)

check: $(STAMP) ## format, lint, types, templates, migrations, deployment settings
	@echo "format …" && $(VENV)/bin/ruff format --check .
	@echo "lint …" && $(VENV)/bin/ruff check .
	@echo "types …" && $(VENV)/bin/mypy accounts program teams nudges reviews web config demo bench drills
	@echo "types of the rules, strictly …" && $(VENV)/bin/mypy --strict program/rules program/feeds
	@echo "migrations …" && $(RUN) manage.py makemigrations --check --dry-run
	@echo "deployment settings …" && PRODUCTION=1 SECRET_KEY=$$($(RUN) -c 'import secrets; print(secrets.token_urlsafe(60))') \
	  ALLOWED_HOSTS=quality.example $(RUN) manage.py check --deploy --fail-level WARNING
	@echo "All checks passed. Next: make test."

bench: $(STAMP) ## measure speed as ratios to floors of the same run
	@$(RUN) -m bench

bench-peers: $(STAMP) ## measure Backstage Tech Insights beside us (needs node and npm; PEERS_DIR=… holds its scripts)
	@PEERS_DIR=$(PEERS_DIR) $(RUN) -m bench.peers

drill: $(STAMP) ## kill, cut and flood the service, and count what was lost
	@$(RUN) -m drills

drill-release: $(STAMP) ## before a release: 10,000 messages, 200 kills, Redis wiped, a faulty mail server (half an hour)
	@$(RUN) -m drills release

lock: $(STAMP) ## compile requirements/*.in anew
	@cd requirements && for name in base dev; do ../$(VENV)/bin/uv pip compile --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --quiet --no-header --upgrade $$name.in -o $$name.txt; done
	@echo "Locked. Next: make setup, make test."

format: $(STAMP) ## format the code
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

clean: ## remove the virtual environment and everything made by running
	@rm -rf $(VENV) var staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis && echo "Clean. Next: make setup."
