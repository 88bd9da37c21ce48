# Every command of the repository; `make` alone lists them. Variables: STACK=name PORT_BASE=29000 TIME_SCALE=4320 S=program ARGS="…"
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BOOTSTRAP := $(CURDIR)/infra/bootstrap.sh
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# Exported only when given, so that an empty one does not differ from none.
$(foreach name,STACK PORT_BASE TIME_SCALE REPLICATION FAILOVER INSTANCES PROFILE,$(if $($(name)),$(eval export $(name))))

STACK_CLI := node infra/stack.ts
CRUISE := node --disable-warning=ExperimentalWarning --import ./test/boundaries/typescript-for-cruiser.ts \
	node_modules/dependency-cruiser/bin/dependency-cruiser.mjs --config .dependency-cruiser.cjs

.PHONY: help toolchain up down restart status logs health doctor clean env config migrate-up migrate-down seed dev reindex demo postman bench bench-compare bench-smoke chaos fuzz \
	test test-unit test-e2e test-stripe test-coverage lint fmt generate publish-proto ci

help:
	@grep -hE '^[a-zA-Z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-zA-Z-]+)%?:.*## /\1|/; s/-\|/-SERVICE|/' | \
		while IFS='|' read -r target text; do printf '  make %-15s %s\n' "$$target" "$$text"; done

toolchain:
	@$(BOOTSTRAP)

up: toolchain ## Install what is missing, start every server and service, wait until ready, print the addresses
	@$(STACK_CLI) up $(ARGS)

down: toolchain ## Stop everything of the stack; its data stays
	@$(STACK_CLI) down

restart: toolchain ## Restart the stack, or one program with S=order
	@$(STACK_CLI) restart $(S)

status: toolchain ## What runs, since when, with how much memory
	@$(STACK_CLI) status

logs: toolchain ## Follow all logs, or one with S=order
	@$(STACK_CLI) logs $(S) --follow $(ARGS)

health: toolchain ## Ask every server and service whether it can be used
	@$(STACK_CLI) health

doctor: toolchain ## Find what is in the way, and say what to do about it
	@$(STACK_CLI) doctor

clean: toolchain ## Stop the stack and remove its data
	@$(STACK_CLI) clean

env: toolchain ## The stack's addresses and credentials as KEY=value
	@$(STACK_CLI) env $(ARGS)

migrate-up: toolchain ## Apply the migrations of every service, or of one with S=order
	@$(STACK_CLI) migrate-up $(S)

migrate-down: toolchain ## Take back the latest migration of every service, or of one with S=order
	@$(STACK_CLI) migrate-down $(S)

config: toolchain ## Show and change settings while services run: ARGS="set log_level.order debug"
	@$(STACK_CLI) config $(ARGS)

seed: toolchain ## Put in the demo logins and the small catalog
	@$(STACK_CLI) seed

dev: toolchain ## Hot reload of all services, or of one with S=order, until Ctrl-C
	@$(STACK_CLI) dev $(S)

# Patterns cannot be .PHONY; they run every time since what they depend on is.
run-%: toolchain ## Run one service here in the foreground; ARGS=worker for another entry point
	@$(STACK_CLI) run $* $(ARGS)

reindex: toolchain ## Build the search index anew beside the live one; CHECK=1 only compares it
	@$(STACK_CLI) run product -- reindex $(if $(CHECK),--check)

demo: toolchain ## An order's whole life with a day in 20 seconds, printed as it happens
	@node demo/run.ts $(ARGS)

postman: toolchain ## Run the Postman collection against the running stack
	@$(STACK_CLI) with-env -- node postman/run.ts $(ARGS)

bench: toolchain ## Orders per second through the gateway beside pgbench, on a stack of its own: W SECONDS RATE KEEP LIST
	@node bench/run.ts $(if $(W),--workload $(W)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RATE),--rate $(RATE)) \
		$(if $(STACK),--stack $(STACK)) $(if $(KEEP),--keep) $(if $(LIST),--list) $(ARGS)

bench-compare: toolchain ## Two revisions under the same load, in turns: A=main B=HEAD W SECONDS ROUNDS RATE
	@node bench/compare.ts $(if $(A),--a $(A)) $(if $(B),--b $(B)) $(if $(W),--workload $(W)) $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(RATE),--rate $(RATE)) $(ARGS)

bench-smoke: toolchain ## That the bench works, in a minute, on a stack of its own
	@node bench/run.ts --smoke $(if $(STACK),--stack $(STACK)) $(if $(KEEP),--keep) $(ARGS)

chaos: toolchain ## Faults strike while customers shop, then every invariant is checked: SEED MINUTES RATE FAULT SABOTAGE KEEP LIST
	@node --disable-warning=TimeoutNegativeWarning test/chaos/run.ts $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE)) \
		$(if $(FAULT),--fault $(FAULT)) $(if $(SABOTAGE),--sabotage $(SABOTAGE)) $(if $(KEEP),--keep) $(if $(LIST),--list) \
		$(if $(STACK),--stack $(STACK)) $(ARGS)

fuzz: toolchain ## Requests made from the OpenAPI document, right ones and wrong ones, hold the answers against it: MINUTES SEED OPERATION KEEP
	@node --disable-warning=TimeoutNegativeWarning test/fuzz/run.ts $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(OPERATION),--operation "$(OPERATION)") $(if $(KEEP),--keep) $(if $(STACK),--stack $(STACK)) $(ARGS)

test: toolchain ## Every test, against real servers
	@node test/run.ts $(ARGS)

test-unit: toolchain ## Only the tests without servers
	@node test/run.ts unit $(ARGS)

test-e2e: toolchain ## Only the journeys over the whole stack
	@node test/run.ts e2e $(ARGS)

test-stripe: toolchain ## The Stripe provider against stripe-mock; needs Go
	@node test/stripe.ts

test-%: toolchain ## All tests of one service or package, such as test-order
	@node test/run.ts $* $(ARGS)

test-coverage: toolchain ## Unit and integration tests with a coverage report in coverage/
	@c8 --src packages --src services --exclude '**/*.test.ts' -r text-summary -r html node test/run.ts unit integration $(ARGS)

lint: toolchain ## Format, lint rules, types, who may import whom, .proto files, generated files
	@biome check .
	@tsc --noEmit -p .
	@$(CRUISE) packages services
	@buf lint packages/contracts/proto
	@buf breaking packages/contracts/proto --against packages/contracts/proto/published.binpb
	@node packages/contracts/scripts/generate.ts --check

fmt: toolchain ## Format the source and apply safe fixes
	@biome check --write .

publish-proto: toolchain ## Take the .proto files as published: from then on nothing in them may break
	@buf build packages/contracts/proto --exclude-source-info -o packages/contracts/proto/published.binpb

generate: toolchain ## Write the files that are generated from the contracts
	@node packages/contracts/scripts/generate.ts
	@node test/configuration/reference.ts

ci: toolchain ## What continuous integration runs
	@.ci/run
