# `make` tells what there is.
.DEFAULT_GOAL := help
.PHONY: help run test browser check format translations bench bench-console faults soak demo screenshots docs clean

PYTHON ?=
ARGS ?=
python := .venv/bin/python
prepare := @PYTHON="$(PYTHON)" sh launch/prepare.sh
own_code := config.py launch mahaam tasks
catalogs := dashboard/translations

help: ## list the commands
	@echo "Mahaam: durable background jobs. Needs Python 3.11 or newer and a package index."
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-20s %s\n", $$1, $$2 }'

run: .venv/ready ## run the product: servers, migrations, first account, web, consumer
	@$(python) -m launch

test: .venv/ready-dev ## run all tests, four files at a time, on servers of their own (ARGS="-k name" picks some)
	@$(python) -m pytest -n 4 --dist loadfile --no-loadscope-reorder --ignore tests/browser $(ARGS)

browser: .venv/ready-dev ## run the tests in a real browser (needs Chromium at /usr/bin/chromium)
	@$(python) -m pytest -n 2 --dist loadfile tests/browser $(ARGS)

check: .venv/ready-dev ## format, lint, types, imports, generated documents
	@$(python) -m ruff format --check .
	@$(python) -m ruff check .
	@$(python) -m mypy --strict $(own_code)
	@$(python) -m mypy $(wildcard dashboard wsgi.py huey_consumer.py)
	@$(python) -c "from importlinter.cli import lint_imports_command as check; check()"
	@$(python) -m launch.configuration_doc --check

format: .venv/ready-dev ## format the code and put imports in order
	@$(python) -m ruff format .
	@$(python) -m ruff check --fix .

translations: .venv/ready ## collect new texts into the .po files, and compile what is translated
	@$(python) -m babel.messages.frontend -q extract -F babel.cfg -k _l -k lazy_gettext -k Translatable \
		--no-location --sort-output -o .venv/messages.pot .
	@$(python) -m babel.messages.frontend -q update -i .venv/messages.pot -d $(catalogs) \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 100
	@$(python) -m babel.messages.frontend -q compile -d $(catalogs)

bench: .venv/ready-dev ## measure against plain Huey (bench/results/)
	@$(python) -m bench $(ARGS)

bench-console: .venv/ready-dev ## measure the control room on ten million jobs; needs 10 GB of disk
	@$(python) -m bench.console $(ARGS)

faults: .venv/ready-dev ## the long fault tests: kills, restarts, cut connections, random lives
	@STATE_MACHINE_STEPS=10000 $(python) -m pytest -q tests/mahaam/jobs/test_state_machine.py
	@UNDO_JOBS=100000 UNDO_KILLS=6 $(python) -m pytest -q tests/mahaam/operations/test_undo_under_kills.py
	@$(python) -m tests.soak --minutes 3
	@$(python) -m tests.faults $(ARGS)

soak: .venv/ready-dev ## half an hour of mixed load: nothing grows, nobody complains (ARGS="--minutes 5")
	@$(python) -m tests.soak $(ARGS)

demo: .venv/ready ## on a running product: priority and concurrency, then the dead letters
	@$(python) -m flask --app wsgi demo priority-concurrency --count 12 --sleep 2 --clear
	@$(python) -m flask --app wsgi demo dead-letter

screenshots: .venv/ready-dev ## take the pictures of the README anew (needs chromium)
	@$(python) -m tools.screenshots $(ARGS)

docs: .venv/ready ## write the generated documents
	@$(python) -m launch.configuration_doc

clean: ## remove .venv and caches; your data in var/ stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

.venv/ready: requirements.txt launch/prepare.sh
	$(prepare) requirements.txt $@

.venv/ready-dev: requirements-dev.txt requirements.txt launch/prepare.sh
	$(prepare) requirements-dev.txt $@
