# Tidegate: `make help` says what there is. Nothing needs to be installed first but Python 3.11 or newer.

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-full check lint generate bench scenarios simulate test-real test-real-all

export UV_PYTHON_DOWNLOADS := never
UV := .ci/uv
RUN := $(UV) run --locked
define REAL
	@echo "Real components: what is not in the cache is fetched first, which takes a while"
	$(RUN) python -m tests.real.kafka.install
	$(RUN) python -m tests.real.slurm.install
	$(RUN) python -m tests.real.kube.install $(1)
	$(RUN) pytest tests/real --verbose --durations=5
endef

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is needed into .venv (the others do this too)
	@$(UV) sync --locked --quiet

demo: setup ## Compare the policies on a made-up site and write out/demo.html
	@mkdir -p out
	$(RUN) tidegate demo --report out/demo.html

test: setup ## Run the tests (about 6 minutes on 2 processors)
	$(RUN) pytest -n auto --ignore=tests/real -m "not full"

test-full: setup ## Try in full the products of which `make test` tries a part
	$(RUN) pytest -n auto --ignore=tests/real -m full

check: lint test ## Run everything a change must pass

lint: setup ## Run the checks that are not tests
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) tidegate reference --check docs/reference
	$(RUN) python -m dashboards --check

generate: setup ## Write the generated reference pages, schemas and dashboards
	$(RUN) tidegate reference docs/reference
	$(RUN) python -m dashboards

bench: setup ## Run every benchmark
	@set -e; for file in benchmarks/*.py; do \
		[ -e "$$file" ] || { echo "There is no benchmark yet."; break; }; \
		echo "== $$file"; $(RUN) python "$$file"; \
	done

scenarios: setup ## Compare the policies over many windows of recorded work; SIZE=full for all of them
	$(RUN) python -m benchmarks.scenarios $(or $(SIZE),quick)

simulate: setup ## Search 100,000 simulated hand-overs with faults for a violation, half of them in fresh worlds
	$(RUN) python -m tests.simulation --handovers 50000 --from 0
	$(RUN) python -m tests.simulation --handovers 50000

test-real: setup ## Run the tests with real components; with both releases of Slurm where they differ
	$(call REAL)

test-real-all: setup ## Run them all, long ones too, with both releases; PART=bus, slurm, kube or together runs a part
	$(call REAL,--all) --all-releases --long --part="$(PART)"
