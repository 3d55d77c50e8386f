# Countersign: every command a contributor needs. `make help` lists them.

SHELL := /bin/sh
CARGO ?= cargo

# What `make demo` passes on, for example DEMO_ARGS=--once.
DEMO_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo dev test test-unprivileged test-release check bench screenshots

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# The dev profile: it builds several times faster, and what the demo shows is not speed. Only this package: with the whole
# workspace, the test kit would switch on features that are not in what is shipped.
demo: ## A server, an organization, an agent and a build on your screen (DEMO_ARGS=--once: end by itself)
	$(CARGO) build --locked --package countersign
	@exec "$${CARGO_TARGET_DIR:-target}/debug/countersign" demo $(DEMO_ARGS)

dev: ## A server on ./.dev, set up at the first run; its data stay
	@exec ./scripts/dev.sh

test: ## Everything, on SQLite and PostgreSQL; needs root for the checks that mount file systems
	@exec ./scripts/test.sh full

test-unprivileged: ## As `test`, without the checks that mount file systems: runs as any user
	@exec ./scripts/test.sh unprivileged

test-release: ## The kill, power-cut and race tests at their release sizes, about an hour
	@exec ./scripts/test.sh release

check: ## Format, lints, documentation, floors: what to run before each commit
	@exec ./scripts/check.sh

bench: ## The measurements on both engines, in the release profile, with their floors beside them
	@exec env COUNTERSIGN_TEST_POSTGRES_FSYNC=on ./scripts/with-postgres.sh $(CARGO) bench --locked --workspace --bench '*'

# Absolute: tests run in the folder of their package.
SCREENSHOTS = $(abspath $(or $(CARGO_TARGET_DIR),target))/screenshots

screenshots: ## Every page at 360, 768 and 1440 px, light and dark, into target/screenshots
	@set -e; tools=$$(./scripts/browser-tools.sh); rm -rf "$(SCREENSHOTS)"; \
	COUNTERSIGN_TEST_BROWSER_TOOLS="$$tools" COUNTERSIGN_TEST_SCREENSHOTS="$(SCREENSHOTS)" \
	$(CARGO) test --locked --workspace --test browser -- pages_are_taken_pictures_of; \
	echo "The pictures are in $(SCREENSHOTS)"
