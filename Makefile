# Two commands on a fresh machine: `make repro` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
PROFILE ?= simulator
DATA ?=
DAYS ?= 90
KILLS ?= 2000
FAULTS ?= 60
CHECKOUTS ?= 20
JOBS ?= 2
SEED ?= 1
SAMPLE ?= 240

BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)
# no telemetry, no version checks, no home folder of the user touched
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export PREFECT_HOME := $(CURDIR)/.prefect
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS := 120
export PYTHONUTF8 := 1
# idle LightGBM threads sleep instead of spinning: two jobs on two cores ran ten times slower
# otherwise
export OMP_WAIT_POLICY := passive

.PHONY: help setup lock start repro test bench drills render report serve app production replay rebuild powercut mutants lint extras container clean

help: ## one line per target
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

setup: .venv/ready .dvc/config ## virtual environment from the lock, by hash

.venv/ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tillcast needs Python 3.11 or newer; $(PYTHON) is older. Run make PYTHON=python3.12"; exit 2; }
	test -x "$(BIN)"/python || $(PYTHON) -m venv .venv
	"$(BIN)"/python -m pip install --quiet --disable-pip-version-check "uv==$$(sed -nE 's/^uv==([0-9.]+).*/\1/p' requirements.lock)"
	"$(BIN)"/uv pip sync --quiet --require-hashes --compile-bytecode --python "$(BIN)"/python requirements.lock
	@touch $@

.dvc/config:
	"$(BIN)"/dvc init --quiet
	"$(BIN)"/dvc config core.analytics false
	"$(BIN)"/dvc config core.check_update false

repro: setup ## the main job: source to published forecasts and report; PROFILE=m5 DATA=<dir> for real data
	"$(BIN)"/python ingest.py recover
	"$(BIN)"/python ingest.py source --use $(PROFILE) $(if $(DATA),--data-from "$(DATA)")
	"$(BIN)"/dvc repro
	"$(BIN)"/python inference.py publish
	"$(BIN)"/python inference.py orders
	"$(BIN)"/python monitor.py planner

start: setup ## your own files, from a first look to published forecasts; DATA=<file or folder>
	@test -n "$(DATA)" || { echo "make start DATA=<file or folder of your sales>"; exit 2; }
	"$(BIN)"/python ingest.py recover
	"$(BIN)"/python ingest.py draft --keep "$(DATA)"
	"$(BIN)"/dvc repro
	"$(BIN)"/python inference.py publish
	"$(BIN)"/python monitor.py planner

test: setup ## set up and run the tests; the least coverage stands in pyproject.toml
	"$(BIN)"/python -m pytest --cov -n $(JOBS) --dist loadfile --no-loadscope-reorder

bench: setup ## runtime and accuracy side by side with peers -> benchmarks/results/
	"$(BIN)"/python -m benchmarks run bench $(if $(DATA),--m5-files "$(DATA)")

drills: setup ## failure injection, graded -> data/reports/drills.json
	"$(BIN)"/python flows/drill.py --plain

render: setup ## every generated table and page of the documents, from benchmarks/results/
	"$(BIN)"/python -m benchmarks render

report: setup ## the HTML report and the validation pages
	"$(BIN)"/python monitor.py report

serve: setup ## Prefect server and the scheduled deployments, until Ctrl-C
	"$(BIN)"/python flows/deploy.py

app: setup ## the planner's app on this machine, until Ctrl-C: overrides, what-if, orders, alerts
	exec "$(BIN)"/python -m app

production: setup ## production end to end: server, schedule, killed worker, outage; DVC round trips (minutes)
	"$(BIN)"/python -m pytest -m production

replay: setup ## a life in minutes: DAYS=90 simulated mornings and Sundays through the flows, in a world of its own
	"$(BIN)"/python flows/replay.py --days $(DAYS)

rebuild: setup ## a damaged or lost store made again from its journal; the old file is set aside
	"$(BIN)"/python ingest.py rebuild

powercut: setup ## entry points killed at random points and compared with a run nobody killed; KILLS=2000 SEED=1
	PYTHONPATH=. "$(BIN)"/python tests/powercut --kills $(KILLS) --seed $(SEED) --jobs $(JOBS) --faults $(FAULTS) --checkouts $(CHECKOUTS) --json benchmarks/results/powercut.json

mutants: setup ## mutants of the code against the tests of its package; SAMPLE=240 SEED=1
	"$(BIN)"/python tests/mutants --sample $(SAMPLE) --seed $(SEED) --jobs $(JOBS) --json benchmarks/results/mutants.json

lint: setup ## style and types
	"$(BIN)"/ruff check . && "$(BIN)"/ruff format --check . && "$(BIN)"/mypy

extras: setup ## what the lock leaves out: S3 and PostgreSQL, a local S3 server, hierarchicalforecast for `make production`; Dask for parts elsewhere; river for a benchmark
	"$(BIN)"/uv pip install --quiet --compile-bytecode --python "$(BIN)"/python -r pyproject.toml --extra s3 --extra sql --extra sql-test --extra container-test --extra s3-test --extra interop --extra scale --extra peers -c requirements.lock

lock: ## resolve the dependencies anew
	"$(BIN)"/uv pip compile pyproject.toml --extra dev --generate-hashes --no-header --no-annotate --quiet -o requirements.lock
	"$(BIN)"/uv pip compile pyproject.toml --extra s3 --extra sql -c requirements.lock --generate-hashes --no-header --no-annotate --quiet -o requirements.container.lock

container: setup ## the Dockerfile's steps as a script in a clean folder, where no engine runs (minutes)
	"$(BIN)"/python tests/containers/steps.py

clean: ## forget everything made, keep inbox and archive
	rm -rf data/panel data/truth data/features data/models data/backtest data/scores data/forecasts data/reports data/validation
