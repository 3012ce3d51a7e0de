# Every target sets itself up: a fresh clone needs Python 3.11 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Running needs less than developing does: each has its own stamp.
RUNS := $(VENV)/.runs
READY := $(VENV)/.ready
# The lines that the tests reach. SlipCover prints its table without those of pytest's workers, and writes them all.
REACHED := .coverage.json

.DEFAULT_GOAL := help
.PHONY: help demo run test check fix docs command snapshots bench kill mutate guards sandbox lock clean

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(RUNS): requirements.txt
$(READY): requirements-dev.txt
$(RUNS) $(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

demo: $(READY) ## The bot between a sandbox Slack and a sandbox DBC daemon, in the browser
	$(BIN)/python -m sandbox

run: $(RUNS) ## The bot in your workspace, with the settings of .env
	$(BIN)/python -m bot run

sandbox: $(READY) ## The two sandbox servers alone, for a bot of your own
	$(BIN)/python -m sandbox --no-bot

test: SIZE = -m "not slow"
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY) ## What a change is judged by, in some minutes: every test but the slow ones, which check has as well
	$(BIN)/python $(COVERAGE) -m pytest $(SIZE)

check: $(READY) ## All of CI: format, lint, types, import rule, generated files, every test and their coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m bot docs --check
	$(MAKE) --no-print-directory test SIZE= COVERAGE="-m slipcover --source bot,handlers,storage --json --out $(REACHED)"
	$(BIN)/python -m slipcover --merge $(REACHED) --out $(REACHED) --skip-covered --fail-under 92

fix: $(READY) ## Format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY) ## Write the generated files: the commands in both languages, manifest.json, bot/locale
	$(BIN)/python -m bot docs

command: export PYTHONDONTWRITEBYTECODE =
command: $(READY) ## What a new command has to pass, in a few minutes (NAME=vm.restart)
	@$(if $(NAME),:,echo "Say which command: make command NAME=vm.restart"; exit 1)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m bot docs --check
	$(BIN)/python -m pytest tests/language tests/cli/test_generated.py tests/test_structure.py
	$(BIN)/python -m pytest -k "$(NAME)" tests/scenarios; found=$$?; \
	    if [ $$found = 5 ]; then echo "No walk over all commands names $(NAME)."; else exit $$found; fi

snapshots: $(READY) ## Keep what people see as it is now; read the difference (git diff)
	$(BIN)/python -m pytest --snapshot-update tests/scenarios/test_surfaces*.py tests/scenarios/test_examples.py tests/handlers/test_forms.py tests/handlers/test_render.py

bench: $(READY) ## Measure what the product is held to (AGAINST=commit: what a change cost there)
	$(BIN)/python -m tests.benchmarks $(if $(AGAINST),--against $(AGAINST))

kill: $(READY) ## Kill the bot 300 times in the middle of its work, and look at what is left
	$(BIN)/python -m tests.kill --rounds 300

mutate: $(READY) ## Break the code piece by piece, and list what no test notices (MODULE=bot/reviews/policy)
	$(BIN)/python -m tests.mutation $(MODULE)

guards: $(READY) ## Take out one safety rule after another, and fail where no test notices (RULE=lease)
	$(BIN)/python -m tests.mutation.removed "$(RULE)"

lock: $(READY) ## Pin requirements.txt, requirements-otel.txt and requirements-dev.txt anew
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" requirements-otel.in -o requirements-otel.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt

clean: ## Remove what the targets made, but not data/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .mutation $(REACHED)
