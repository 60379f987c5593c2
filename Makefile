# Every command that a user or a developer needs; `make` alone lists them.
# DATA and LISTEN say where `make run` keeps its data and listens:
#   make run DATA=/srv/keji LISTEN=127.0.0.1:9000

DATA ?= ./data
LISTEN ?= 127.0.0.1:8080

.DEFAULT_GOAL := help
.PHONY: help run build test api bench reliability doctor

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, then serve; the first start loads the demo company
	@DATA='$(DATA)' LISTEN='$(LISTEN)' scripts/run.sh

build: ## build the page and target/release/keji
	@scripts/build.sh

test: ## install what the tests need, then run every check and test
	@scripts/test.sh

api: ## write the API's description and the page's types from the program
	@scripts/api.sh

bench: ## measure speed against the published limits (needs Python 3; wrk for records under load, Chromium for story 1)
	@scripts/doctor.sh build bench
	@bench/run.sh

reliability: ## kill, fill, restart and fuzz the program; writes docs/reliability.md
	@scripts/reliability.sh

doctor: ## say what this machine lacks for building and testing
	@scripts/doctor.sh build test bench
