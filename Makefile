# make up       build, and run everything on this machine until Ctrl-C
# make test     build, and run all tests against private servers; what failed is named at the end
# make bench    build, and measure it against what PostgreSQL and RabbitMQ do by themselves (bench/results); takes a quarter of an hour
# make chaos    build, and break a shop of its own in every way for some five minutes; everything has to add up in the end
# make fuzz     throw malformed requests, messages and bytes at whatever reads them; FUZZ_SECONDS=60 for each decoder
# make sanitize run the tests of clients and parsers under AddressSanitizer and ThreadSanitizer; two cold builds
# make mutants  plant bugs, several in one build where none can hide another, and name those that no test catches; MUTANTS='Orders|inbox' takes those that match
# make lint     check scripts, Dockerfiles, workflows and manifests; reports what it cannot check offline
# make images   build the production, development and gateway images, tagged VERSION; make sbom lists their contents, make scan their known vulnerabilities
# make publish  push the images of VERSION to IMAGE; make deploy rolls them out to the cluster in KUBECONFIG
# make restore  rehearse restoring the database of the `wharf-dev up` in SHOP; make upgrade rehearses a rolling upgrade from OLD to this build
# make adding   add a service to a copy of the repository as docs/ADDING.md says, and send it a request
# make format   write the sources as .swift-format has them; make test refuses what is not so
# make build    the executables: .build/release/wharf for production, .build/release/wharf-dev for everything else
# make packages install the Debian packages that are missing (packages.txt)
# make clean    remove what was built; make reset removes the state of `wharf-dev up`

SWIFT ?= swift
# Options for every build and test, as in: make build SWIFTFLAGS='-j 2'
SWIFTFLAGS ?=
# Tests under way at once: each may have servers and processes of its own. More are hardly faster on two cores, and take the servers their time.
TESTS_AT_ONCE ?= 4
# As in: make bench BENCHFLAGS='--cases checkouts,single --rounds 5'
BENCHFLAGS ?=
# As in: make chaos CHAOSFLAGS='--seed 7 --seconds 60'
CHAOSFLAGS ?=
WHARF_DEV := .build/release/wharf-dev
SWIFT_SOURCES := Package.swift Sources Tests

# The name and tag of the images, as in: make publish IMAGE=registry.example.com/wharf VERSION=v1.2.3
VERSION ?= latest
IMAGE ?= wharf
# Recipes read both from the environment, so that neither make nor a shell interprets what they contain.
images sbom scan publish deploy: override export VERSION := $(value VERSION)
images sbom scan publish deploy: override export IMAGE := $(value IMAGE)
DOCKER ?= docker
# Tools that inspect the images. They are images themselves.
SYFT := anchore/syft:v1.33.0
GRYPE := anchore/grype:v0.100.0

.PHONY: up test lint images sbom scan publish deploy restore upgrade adding format bench chaos fuzz sanitize mutants build packages clean reset

up: build
	@exec $(WHARF_DEV) up

# wharf-dev is built first, because it contains nearly all modules: no processor is then idle while the last few of wharf are compiled. LLVM's linker takes a quarter of the default linker's time.
build: packages
	$(SWIFT) build -c release --product wharf-dev --static-swift-stdlib -Xswiftc -use-ld=lld $(SWIFTFLAGS)
	$(SWIFT) build -c release --product wharf --static-swift-stdlib -Xswiftc -use-ld=lld $(SWIFTFLAGS)

# One process for all test targets: its tests share their private servers.
test: packages
	@$(SWIFT) format lint --strict --recursive $(SWIFT_SOURCES)
	$(SWIFT) build --build-tests $(SWIFTFLAGS)
	@scripts/name-failures $(SWIFT) test --skip-build --experimental-maximum-parallelization-width $(TESTS_AT_ONCE) $(SWIFTFLAGS)

lint:
	@LINT_REQUIRED=$(LINT_REQUIRED) scripts/lint

images:
	$(DOCKER) build --tag "wharf:$$VERSION" --target production --file docker/Dockerfile .
	$(DOCKER) build --tag "wharf-dev:$$VERSION" --target development --file docker/Dockerfile .
	$(DOCKER) build --tag "wharf-gateway:$$VERSION" --file deploy/swarm/gateway.Dockerfile .

# SPDX, one file per image.
sbom:
	@mkdir -p .build/sbom
	@set -e; for image in wharf wharf-gateway; do \
	    $(DOCKER) run --rm --volume /var/run/docker.sock:/var/run/docker.sock $(SYFT) --output spdx-json "$$image:$$VERSION" >".build/sbom/$$image.spdx.json"; \
	done

# Fails on serious known vulnerabilities for which a fix exists.
scan:
	@set -e; for image in wharf wharf-gateway; do \
	    $(DOCKER) run --rm --volume /var/run/docker.sock:/var/run/docker.sock $(GRYPE) --only-fixed --fail-on high "$$image:$$VERSION"; \
	done

publish:
	@set -e; for image in wharf wharf-gateway; do \
	    target="$$IMAGE$${image#wharf}:$$VERSION"; $(DOCKER) tag "$$image:$$VERSION" "$$target"; $(DOCKER) push "$$target"; \
	done

deploy:
	@scripts/deploy

restore: build
	@scripts/restore-rehearsal '$(or $(SHOP),.)'

upgrade: build
	@scripts/rolling-upgrade '$(OLD)' .build/release/wharf

adding: packages
	@SWIFTFLAGS='$(SWIFTFLAGS)' scripts/adding

format:
	$(SWIFT) format --in-place --recursive $(SWIFT_SOURCES)

bench: build
	@exec $(WHARF_DEV) bench $(BENCHFLAGS)

# Real baskets where they are at hand.
chaos: build
	@exec $(WHARF_DEV) chaos $(addprefix --baskets ,$(wildcard ../shared/data/groceries.csv)) $(CHAOSFLAGS)

fuzz: packages
	@scripts/fuzz

sanitize: packages
	@scripts/sanitize

mutants: packages
	@SWIFT='$(SWIFT)' SWIFTFLAGS='$(SWIFTFLAGS)' scripts/mutants

packages:
	@scripts/install-packages packages.txt

clean:
	rm -rf .build

reset:
	@scripts/reset-state .wharf
