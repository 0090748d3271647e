# SPDX-License-Identifier: MIT
# `make help` lists what this does. Everything that is built goes to build/ ($(B)) and generated/ ($(G)).
#
# From formats to programs:
#   ptgen/*.c, scan.l, parse.y, templates/*.ct -> $(B)/libptgen.a, $(B)/ptgen
#   formats/*.ptd      -ptgen->  $(G)/FORMAT.{h,c}, $(G)/registry.{h,c} -> $(B)/libformats.a
#   tests/formats/*.ptd -ptgen-> $(B)/made_up/FORMAT.{h,c}, list.{h,c} -> $(B)/libmadeup.a, for tests only
#   both               -ptgen->  $(B)/selftest/FORMAT_selftest.c, list.h, for tests/selftest
#   runtime/vcm/*.c    -> $(B)/libvcm.a
#   tools/pttool/*.c   -> $(B)/pttool        tools/vcmrun/*.c -> $(B)/vcmrun
#   examples/NAME.c, examples/two_machines/*.c -> $(B)/examples/NAME
#   machines/*.c       -> $(B)/libmachines.a, for tests and that example
#   bench/             -> $(B)/bench (bench/bench.mk)   tests/DIR/NAME.c -> $(B)/tests/DIR/NAME and NAME.criterion

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

B ?= build
G ?= generated
SANITIZE ?=
WERROR ?=

ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
BISON ?= bison
FLEX ?= flex
AWK ?= LC_ALL=C awk
OPTIMIZE ?= -O2 -g
CFLAGS ?=
LDFLAGS ?=

# Targets that call make again use all processors, unless this make was told how many (-j).
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

# One short line a step; V=1 shows the commands.
V ?=
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)	$(2)')

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wundef -Wmissing-prototypes
ifneq ($(SANITIZE),)
SANITIZE_FLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
COMMON := -std=c11 -D_POSIX_C_SOURCE=200809L $(WARNINGS) $(WERROR) $(OPTIMIZE) $(SANITIZE_FLAGS) $(CFLAGS)
LINK := $(CC) $(OPTIMIZE) $(SANITIZE_FLAGS) $(CFLAGS) $(LDFLAGS)

# In a function, what escapes a number sign differs between versions of make.
HASH := \#

# Where each part may look for headers: the compiler sees nothing of the runtime, and the runtime sees no format.
INCLUDE_ptgen := -Iptgen -I$(B)/obj/ptgen
INCLUDE_generated := -Iruntime -I$(G)
INCLUDE_vcm := -Iruntime -Iruntime/vcm
INCLUDE_user := -Itools -Imachines -Iruntime -Iruntime/vcm -I$(G)
INCLUDE_tests := -Itests $(INCLUDE_user) -I$(B)/made_up -I$(B) $(INCLUDE_ptgen)

# ------------------------------------------------------------------------------------------------------ what there is

PTDS := $(sort $(wildcard formats/*.ptd))
# A file may hold several formats; each is named at the start of a line.
formats_of = $(shell sed -n 's/^format[ \t][ \t]*\([A-Za-z0-9_]*\).*/\1/p' $(1))
FORMATS := $(sort $(call formats_of,$(PTDS) /dev/null))

# Made-up formats, for what no real one has; the product knows nothing of them.
MADE_UP_PTDS := $(sort $(wildcard tests/formats/*.ptd))
MADE_UP := $(sort $(call formats_of,$(MADE_UP_PTDS) /dev/null))
MADE_UP_O := $(MADE_UP:%=$(B)/obj/made_up/%.o) $(B)/obj/made_up/list.o

PTGEN_C := $(filter-out ptgen/main.c,$(wildcard ptgen/*.c))
PTGEN_O := $(PTGEN_C:%.c=$(B)/obj/%.o)
TEMPLATES := $(sort $(wildcard ptgen/templates/*.ct))
VCM_O := $(patsubst %.c,$(B)/obj/%.o,$(wildcard runtime/vcm/*.c))
TOOLS_C := $(wildcard tools/common/*.c)
PTTOOL_O := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tools/pttool/*.c) $(TOOLS_C))
VCMRUN_O := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tools/vcmrun/*.c) $(TOOLS_C))
FORMATS_O := $(FORMATS:%=$(B)/obj/generated/%.o) $(B)/obj/generated/registry.o
EXAMPLES := $(patsubst %.c,$(B)/%,$(wildcard examples/*.c)) $(B)/examples/two_machines
TWO_MACHINES_O := $(patsubst %.c,$(B)/obj/%.o,$(wildcard examples/two_machines/*.c))
MACHINES_O := $(patsubst %.c,$(B)/obj/%.o,$(wildcard machines/*.c))

# tests/DIR/NAME.c is a test program. Where there are tests/DIR/test_NAME.c, only these are programs, and the rest of DIR
# is part of each. What all may use is in tests/support, the front ends are in tests/ itself.
TEST_DIRS := $(filter-out tests/support/ tests/harness/ tests/goldens/ tests/fuzz/ tests/kernels/,$(sort $(dir $(wildcard tests/*/*.c))))
programs_in = $(or $(wildcard $(1)test_*.c),$(wildcard $(1)*.c))
parts_in = $(filter-out $(call programs_in,$(1)),$(wildcard $(1)*.c))
TEST_C := $(foreach dir,$(TEST_DIRS),$(call programs_in,$(dir)))
PART_O := $(foreach dir,$(TEST_DIRS),$(patsubst %.c,$(B)/obj/%.o,$(call parts_in,$(dir))))
SUPPORT_O := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/support/*.c))
TEST_PROGRAMS := $(TEST_C:%.c=$(B)/%)
HARNESS := $(B)/tests/harness/failures
# tests/fuzz/fuzz_NAME.c is an entry point for fuzzers; replay-NAME runs it over files.
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_O := $(FUZZ_NAMES:%=$(B)/obj/tests/fuzz/fuzz_%.o) $(B)/obj/tests/fuzz/table.o
REPLAYERS := $(FUZZ_NAMES:%=$(B)/fuzz/replay-%)
# What other programs say of what we write (compilers, build systems, formatters, emulated hosts) does not depend on
# sanitizers; time and memory are theirs.
UNSANITIZED := $(patsubst %,tests/run-%,cost dist editors format headers install json large pages pttool-json readme sections selftests stubs text-size)
# These say what our own emitters reach.
COVERED := $(patsubst %,tests/run-%,format json pages)
TEST_SCRIPTS := $(sort $(filter-out tests/run-suites $(if $(SANITIZE)$(COVERAGE),$(if $(COVERAGE),$(filter-out $(COVERED),$(UNSANITIZED)),$(UNSANITIZED))),$(wildcard tests/run-*)))

LIBS := $(if $(VCM_O),$(B)/libvcm.a) $(if $(FORMATS),$(B)/libformats.a)
ifneq ($(wildcard ptgen/main.c),)
PROGRAMS += $(B)/ptgen
endif
ifneq ($(FORMATS),)
PROGRAMS += $(if $(PTTOOL_O),$(B)/pttool) $(if $(VCMRUN_O),$(B)/vcmrun)
endif
PROGRAMS += $(EXAMPLES)

# The compiler that writes generated/ is always the plain one, so that both builds compile the same files.
PTGEN ?= build/ptgen

# ------------------------------------------------------------------------------------------------------------- targets

all: $(PROGRAMS) $(LIBS) ## build the compiler, the formats, the libraries, the tools and the examples

help: ## list the targets
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile tools/install.mk | awk -F'|' '{ printf "  %-15s %s\n", $$1, $$2 }'
	@echo "variables: CC, CFLAGS, OPTIMIZE (-O2 -g), WERROR=-Werror, TESTS=NAME..., SEED=NUMBER"

setup: ## install what building and testing need
	@tools/setup check

demo-machines: ## a picture through two emulated machines by DMA: a PC with VT-d, an Arm machine with an SMMUv3
	@tools/setup demo-machines
	@$(MAKE) --no-print-directory $(PARALLEL) build/examples/two_machines
	@build/examples/two_machines build
	@dot -Tsvg build/two_machines.dot -o build/two_machines.svg

demo: ## build all, run the video scenario and draw its topology
	@tools/setup demo
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@build/examples/video_playback
	@dot -Tsvg build/video.dot -o build/video.svg
	@echo "topology: build/video.svg (drawing), build/video.dot, build/video.json"

check: ## build all and run every test; the last line counts them
	@tools/setup check
	@$(MAKE) --no-print-directory $(PARALLEL) check-run

check-sanitize: ## run the tests with the address and undefined-behaviour sanitizers
	@tools/setup check
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@$(MAKE) --no-print-directory $(PARALLEL) check-run B=build/san SANITIZE=address,undefined OPTIMIZE='-O1 -g'

THREAD_TESTS := $(filter %/threads %/stress %/sharing %/test_threads,$(TEST_PROGRAMS))
check-threads: ## run the tests that use threads with the thread sanitizer
	@tools/setup check
	@$(MAKE) --no-print-directory $(PARALLEL) build/ptgen
	@$(MAKE) --no-print-directory $(PARALLEL) check-threads-run B=build/threads SANITIZE=thread OPTIMIZE='-O1 -g'
check-threads-run: $(THREAD_TESTS)
	@BUILD=$(B) SANITIZE='$(SANITIZE)' $(if $(SEED),TEST_SEED='$(SEED)') tests/run-suites $(THREAD_TESTS)

# Not the tests that start emulators.
VALGRIND_TESTS := $(filter-out $(B)/tests/oracle/%,$(TEST_PROGRAMS))
check-valgrind: ## run every program, and all tests, under valgrind's memcheck; random tests do a twentieth
	@tools/setup check
	@$(MAKE) --no-print-directory $(PARALLEL) all $(VALGRIND_TESTS)
	@tests/valgrind
	@tests/under-valgrind $(VALGRIND_TESTS)

# The tests that emulators and other libraries walk through, whole: check runs a slice of them. NEEDS: what check-run
# builds, all tests if it is empty.
ORACLE_TESTS := $(filter $(B)/tests/oracle/%,$(TEST_PROGRAMS))
check-oracle: ## walk tables with emulated CPUs and IOMMUs; writes docs/verification.md
	@tools/setup check
	@$(MAKE) --no-print-directory $(PARALLEL) all build/verification
	@rm -f build/verification.records
	@ORACLE_WHOLE=1 ORACLE_RECORDS=$(CURDIR)/build/verification.records \
		$(MAKE) --no-print-directory $(PARALLEL) check-run TESTS='tests/oracle/ run-machines' \
		NEEDS='$(ORACLE_TESTS) $(if $(HAVE_CRITERION),$(ORACLE_TESTS:%=%.criterion))'
	@build/verification collect build/verification.records $(FORMATS) >build/verification.json
	@build/verification render build/verification.json >docs/verification.md

check-kernels: ## read the tables of Linux kernels in an emulator; writes docs/real-tables.md
	@tools/setup kernels
	@$(MAKE) --no-print-directory $(PARALLEL) build/pttool
	@tests/kernels/fetch build/kernels amd64
	@tests/kernels/fetch build/kernels arm64
	@tests/kernels/run --document docs/real-tables.md

# Without optimization, so that lines are lines; what other programs say of our output covers nothing.
coverage: ## run the tests and say which lines and branches they reach; writes build/coverage/coverage.txt
	@tools/setup check
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	@TEST_TIMEOUT=1800 $(MAKE) --no-print-directory $(PARALLEL) check-run B=build/coverage COVERAGE=1 OPTIMIZE='-O0 -g' \
		CFLAGS='--coverage -fprofile-update=atomic'
	@tools/coverage build/coverage

check-all: ## check, check-sanitize, check-threads, check-valgrind, check-oracle, check-kernels, lint, bench-instructions
	@FULL=1 $(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory check-sanitize
	@$(MAKE) --no-print-directory check-threads
	@$(MAKE) --no-print-directory check-valgrind
	@$(MAKE) --no-print-directory check-oracle
	@$(MAKE) --no-print-directory check-kernels
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory bench-instructions

fuzz: ## fuzz each entry point: FUZZ_TIME=60 (seconds each), FUZZ='compile parse image script', ENGINE=libfuzzer or afl
	@ENGINE='$(ENGINE)' tools/setup fuzz
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@ENGINE='$(ENGINE)' FUZZ_TIME='$(FUZZ_TIME)' tests/fuzz/run $(or $(FUZZ),$(FUZZ_NAMES))

bench: ## measure generated code, the kernel's and the machine's limit; BENCH=quick; writes build/bench.json, build/bench.svg
	@tools/setup bench
	@bench/kernel/unpack build/linux
	@$(MAKE) --no-print-directory $(PARALLEL) build/bench
	@build/bench --json build/bench.json $$(command -v gnuplot >/dev/null && echo --plot build/bench.svg) $(if $(filter quick,$(BENCH)),--passes 3)

bench-runtime: ## measure what the VCM runtime costs, against the size of things; BENCH=quick; writes build/bench-runtime.json
	@tools/setup build
	@$(MAKE) --no-print-directory $(PARALLEL) build/bench-runtime
	@build/bench-runtime --json build/bench-runtime.json $(if $(filter quick,$(BENCH)),--quick)

bench-instructions: ## count instructions of operations, and compare them with bench/instructions.json
	@tools/setup build
	@$(MAKE) --no-print-directory $(PARALLEL) build/count
	@BUILD=build CC='$(CC)' bench/instructions/run

C_FILES := $(filter-out tests/goldens/%,$(wildcard ptgen/*.[ch] machines/*.[ch] runtime/*.h runtime/vcm/*.[ch] tools/*.c tools/common/*.[ch] tools/pttool/*.[ch] tools/vcmrun/*.[ch] \
	examples/*.[ch] examples/*/*.[ch] examples/*/*/*.[ch] examples/*/*/*/*.[ch] bench/*.[ch] bench/*/*.[ch] tests/*.[ch] tests/*/*.[ch]))

LINT_C := $(filter-out tests/% examples/projects/% bench/kernel/% bench/subjects/%,$(filter %.c,$(C_FILES)))
# BENCH_LINUX, TOOLS_VERSION: any string.
LINT_FLAGS := $(INCLUDE_tests) -DBENCH_LINUX=__FILE__ -DTOOLS_VERSION=__FILE__

mutate: ## make slips in format files (COUNT=400), one at a time, and say who notices: checks, examples, self-tests
	@tools/setup check
	@$(MAKE) --no-print-directory $(PARALLEL) all $(B)/tests/selftest/test_selftest
	@BUILD=$(B) GENERATED=$(G) CC='$(CC)' tools/mutate $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

SHELL_FILES = $(shell grep -lE '^.!/bin/(ba)?sh' tests/run-* tests/fuzz/run tests/kernels/* tests/valgrind tests/under-valgrind bench/*/* tools/* tools/*/* .ci/* 2>/dev/null)

lint: ## clang-format, clang-tidy and cppcheck over our own sources, shellcheck over scripts
	@tools/setup lint
	@echo 'clang-format (make format mends what it finds)'
	@clang-format --dry-run -Werror $(C_FILES)
	@echo 'shellcheck (.shellcheckrc lists what is meant so)'
	@shellcheck --severity=warning $(SHELL_FILES)
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@echo 'cppcheck (tools/cppcheck.txt lists what is false)'
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --error-exitcode=1 --inline-suppr \
		--suppress=missingIncludeSystem --suppressions-list=tools/cppcheck.txt -D_POSIX_C_SOURCE=200809L \
		$(LINT_FLAGS) -Ibench $(LINT_C)
	@echo 'clang-tidy (.clang-tidy says what it looks for)'
	@printf '%s\n' $(LINT_C) | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- -std=c11 \
		-D_POSIX_C_SOURCE=200809L $(LINT_FLAGS) 2>/dev/null' sh

# Generated code is not among it: its long functions take the analyzer many minutes each.
analyze: ## gcc -fanalyzer over our own sources; tools/analyzer.txt lists what is false
	@tools/setup build
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@CC='$(CC)' FLAGS='$(LINT_FLAGS)' tools/analyze $(LINT_C)

format: ## rewrite our own sources as .clang-format says
	@tools/setup lint
	clang-format -i $(C_FILES)

bless: all $(FORMATS:%=$(B)/selftest/%_selftest.c) ## accept new output: goldens, fixtures, transcripts; read the difference before you commit it
	@tests/run-goldens --bless
	@tests/run-fixtures --bless
	@tests/run-mistakes --bless
	@tests/run-checks --bless
	@tests/run-pttool --bless
	@tools/make-docs $(B)/ptgen docs/formats $(PTDS)
	@tools/make-editors tools/editors

docs: $(B)/ptgen ## write docs/formats: a page and a drawing of every format
	@tools/make-docs $(B)/ptgen docs/formats $(PTDS)

captures: $(B)/pttool ## write docs/pttool-terminal.svg: what pttool shows on a terminal
	@tools/make-captures $(B)/pttool docs/pttool-terminal.svg

editors: ## write tools/editors: highlighting for Vim and for editors that read TextMate grammars
	@tools/make-editors tools/editors

clean: ## remove everything that was built or generated
	rm -rf build $(G)/*.c $(G)/*.h $(G)/.*.stamp $(G)/.*.d

.PHONY: all analyze captures coverage bless fuzz docs help setup demo demo-machines check check-sanitize check-oracle check-kernels check-all check-threads check-threads-run check-valgrind bench bench-runtime bench-instructions mutate lint format clean check-run tests FORCE

# --------------------------------------------------------------------------------------------------------- the compiler

# A source tarball (make dist) brings what bison and flex wrote; they are needed only if their input was changed since.
MADE := ptgen/made
brought = $(Q)if [ -e $(MADE)/$(@F) ] && [ ! $< -nt $(MADE)/$(@F) ]; then cp $(MADE)/$(@F) $@ && cp $(MADE)/$(basename $(@F)).h $(@:.c=.h); else
$(B)/obj/ptgen/parse.c: ptgen/parse.y
	@mkdir -p $(@D)
	$(call say,BISON,$@)
	$(brought) $(BISON) -Wall -Werror=conflicts-sr -Werror=conflicts-rr --defines=$(@:.c=.h) -o $@ $<; fi
$(B)/obj/ptgen/parse.h: $(B)/obj/ptgen/parse.c ;

$(B)/obj/ptgen/scan.c: ptgen/scan.l
	@mkdir -p $(@D)
	$(call say,FLEX,$@)
	$(brought) $(FLEX) --header-file=$(@:.c=.h) -o $@ $<; fi
$(B)/obj/ptgen/scan.h: $(B)/obj/ptgen/scan.c ;

$(B)/obj/ptgen/templates.c: $(TEMPLATES) tools/text-to-c.awk
	@mkdir -p $(@D)
	$(call say,TEXT,$@)
	$(Q)$(AWK) -f tools/text-to-c.awk $(TEMPLATES) >$@
$(B)/obj/ptgen/templates.h: $(TEMPLATES) tools/text-to-c.awk
	@mkdir -p $(@D)
	$(call say,TEXT,$@)
	$(Q)$(AWK) -v header=1 -f tools/text-to-c.awk $(TEMPLATES) >$@

PTGEN_MADE := $(if $(wildcard ptgen/parse.y),parse) $(if $(wildcard ptgen/scan.l),scan) $(if $(TEMPLATES),templates)
PTGEN_MADE_H := $(PTGEN_MADE:%=$(B)/obj/ptgen/%.h)
PTGEN_MADE_O := $(PTGEN_MADE:%=$(B)/obj/ptgen/%.o)

$(PTGEN_O) $(B)/obj/ptgen/main.o: $(B)/obj/%.o: %.c $(B)/flags | $(PTGEN_MADE_H)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) $(INCLUDE_ptgen) -MMD -MP -c $< -o $@
$(PTGEN_MADE_O): $(B)/obj/ptgen/%.o: $(B)/obj/ptgen/%.c $(B)/flags | $(PTGEN_MADE_H)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) $(INCLUDE_ptgen) -MMD -MP -c $< -o $@

$(B)/libptgen.a: $(PTGEN_O) $(PTGEN_MADE_O)
$(B)/ptgen: $(B)/obj/ptgen/main.o $(B)/libptgen.a
	$(call say,LINK,$@)
	$(Q)$(LINK) $^ -ljansson -o $@

# ---------------------------------------------------------------------------------------------------------- the formats

# One stamp per format file. ptgen leaves a file untouched whose contents stay the same, so what follows a stamp is
# compiled again only if it changed.
$(G)/.%.stamp: formats/%.ptd $(PTGEN)
	$(call say,PTGEN,$<)
	$(Q)$(PTGEN) -o $(G) -MD -MF $(G)/.$*.d -MT $@ -MP $<
	@touch $@

define format_file
$(foreach format,$(call formats_of,$(1)),$(G)/$(format).c $(G)/$(format).h): $(G)/.$(basename $(notdir $(1))).stamp ;
endef
$(foreach ptd,$(PTDS),$(if $(call formats_of,$(ptd)),$(eval $(call format_file,$(ptd)))))

$(G)/.registry.stamp: $(PTDS) $(PTGEN)
	$(call say,PTGEN,$@)
	$(Q)$(PTGEN) --emit=registry -o $(G) $(PTDS)
	@touch $@
$(G)/registry.c $(G)/registry.h: $(G)/.registry.stamp ;

GENERATED_H := $(FORMATS:%=$(G)/%.h) $(if $(FORMATS),$(G)/registry.h)

$(FORMATS_O): $(B)/obj/generated/%.o: $(G)/%.c $(B)/flags | $(GENERATED_H)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) -ffunction-sections $(INCLUDE_generated) -MMD -MP -c $< -o $@

$(B)/libformats.a: $(FORMATS_O)

# Made-up formats: the same, and a list of their descriptors in the place of a registry.
$(B)/made_up/.%.stamp: tests/formats/%.ptd $(PTGEN)
	@mkdir -p $(@D)
	$(call say,PTGEN,$<)
	$(Q)$(PTGEN) -o $(@D) -MD -MF $(@D)/.$*.d -MT $@ -MP $<
	@touch $@

define made_up_file
$(foreach format,$(call formats_of,$(1)),$(B)/made_up/$(format).c $(B)/made_up/$(format).h): \
	$(B)/made_up/.$(basename $(notdir $(1))).stamp ;
endef
$(foreach ptd,$(MADE_UP_PTDS),$(eval $(call made_up_file,$(ptd))))

$(B)/made_up/list.h: $(MADE_UP_PTDS)
	@mkdir -p $(@D)
	@{ echo '#include "pt.h"'; printf 'extern const struct pt_format %s_format;\n' $(MADE_UP); \
		echo 'extern const struct pt_format *const made_up_formats[];'; \
		echo 'enum { N_MADE_UP_FORMATS = $(words $(MADE_UP)) };'; } >$@
$(B)/made_up/list.c: $(B)/made_up/list.h
	@{ echo '#include "list.h"'; echo 'const struct pt_format *const made_up_formats[] = {'; \
		printf '\t&%s_format,\n' $(MADE_UP); echo '};'; } >$@

$(MADE_UP_O): $(B)/obj/made_up/%.o: $(B)/made_up/%.c $(B)/flags | $(B)/made_up/list.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) -Iruntime -MMD -MP -c $< -o $@

$(B)/libmadeup.a: $(MADE_UP_O)

# The self-test of every format, made-up ones included, and a list of them.
SELFTEST_O := $(patsubst %,$(B)/obj/selftest/%_selftest.o,$(FORMATS) $(MADE_UP))

make_selftests = for format in $(call formats_of,$<); do $(PTGEN) --emit=selftest --format $$format -o $(@D) $< || exit 1; done

$(B)/selftest/.%.stamp: formats/%.ptd $(PTGEN)
	@mkdir -p $(@D)
	$(call say,SELFTEST,$<)
	$(Q)$(make_selftests)
	@touch $@
$(B)/selftest/.made-up-%.stamp: tests/formats/%.ptd $(PTGEN)
	@mkdir -p $(@D)
	$(call say,SELFTEST,$<)
	$(Q)$(make_selftests)
	@touch $@

define selftest_file
$(foreach format,$(call formats_of,$(1)),$(B)/selftest/$(format)_selftest.c): \
	$(B)/selftest/.$(if $(filter tests/%,$(1)),made-up-)$(basename $(notdir $(1))).stamp ;
endef
$(foreach ptd,$(PTDS) $(MADE_UP_PTDS),$(if $(call formats_of,$(ptd)),$(eval $(call selftest_file,$(ptd)))))

$(B)/selftest/list.h: $(PTDS) $(MADE_UP_PTDS)
	@mkdir -p $(@D)
	@printf 'SELFTEST(%s)\n' $(FORMATS) $(MADE_UP) >$@

$(SELFTEST_O): $(B)/obj/selftest/%.o: $(B)/selftest/%.c $(B)/flags | $(GENERATED_H) $(B)/made_up/list.h $(MADE_UP_O)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) -Iruntime -I$(G) -I$(B)/made_up -MMD -MP -c $< -o $@

# ------------------------------------------------------------------------------------- the runtime, tools and examples

$(VCM_O): $(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) $(INCLUDE_vcm) -MMD -MP -c $< -o $@
$(B)/libvcm.a: $(VCM_O)

# The shared library shows what the headers declare, and nothing else.
VCM_MAJOR := 0
VCM_PIC_O := $(patsubst %.c,$(B)/pic/%.o,$(wildcard runtime/vcm/*.c))
VCM_HEADERS := runtime/vcm/vc.h runtime/vcm/vcm.h runtime/vcm/vcm_alloc.h runtime/vcm/vcmx.h
$(VCM_PIC_O): $(B)/pic/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) -fPIC $(INCLUDE_vcm) -MMD -MP -c $< -o $@
$(B)/libvcm.map: $(VCM_HEADERS) tools/symbols.awk
	$(Q)$(AWK) -v version=VCM_$(VCM_MAJOR) -f tools/symbols.awk $(VCM_HEADERS) >$@
$(B)/libvcm.so.$(VCM_MAJOR): $(VCM_PIC_O) $(B)/libvcm.map
	$(call say,LINK,$@)
	$(Q)$(LINK) -shared -Wl,-soname,$(@F) -Wl,--version-script=$(B)/libvcm.map -Wl,-z,defs $(VCM_PIC_O) -ljansson -pthread -o $@

# The version of everything is where the compiler says its own.
VERSION := $(shell sed -n 's/^$(HASH)define PTGEN_VERSION  *"\(.*\)"/\1/p' ptgen/ptgen.h)
$(B)/obj/tools/common/version.o: INCLUDE_user += -DTOOLS_VERSION='"$(VERSION)"'
$(B)/obj/tools/common/version.o: ptgen/ptgen.h

# Compressed dumps are read where the library for them is there.
HAVE_KDUMPFILE := $(shell echo '$(HASH)include <libkdumpfile/kdumpfile.h>' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)
$(PTTOOL_O): INCLUDE_user += $(if $(HAVE_KDUMPFILE),-DHAVE_KDUMPFILE)

include bench/bench.mk

BENCH_RUNTIME_O := $(patsubst %.c,$(B)/obj/%.o,$(wildcard bench/runtime/*.c))
USER_O := $(sort $(PTTOOL_O) $(VCMRUN_O)) $(BENCH_O) $(BENCH_RUNTIME_O) $(B)/obj/bench/instructions/count.o \
	$(patsubst %.c,$(B)/obj/%.o,$(wildcard examples/*.c)) $(TWO_MACHINES_O) $(MACHINES_O)
$(USER_O): $(B)/obj/%.o: %.c $(B)/flags | $(GENERATED_H)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) $(INCLUDE_user) -MMD -MP -c $< -o $@

$(B)/pttool: $(PTTOOL_O) $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(LINK) $^ -ljansson -lelf $(if $(HAVE_KDUMPFILE),-lkdumpfile) -o $@
$(B)/vcmrun: $(VCMRUN_O) $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(LINK) $^ -ljansson -pthread -o $@
$(B)/bench-runtime: $(BENCH_RUNTIME_O) $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(LINK) $^ -ljansson -pthread -o $@
$(B)/obj/tools/verification.o: $(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) -MMD -MP -c $< -o $@
$(B)/verification: $(B)/obj/tools/verification.o
	$(call say,LINK,$@)
	$(Q)$(LINK) $^ -ljansson -o $@
$(B)/count: $(B)/obj/bench/instructions/count.o $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(LINK) $^ -o $@
$(B)/libmachines.a: $(MACHINES_O)
$(B)/examples/two_machines: $(TWO_MACHINES_O) $(B)/libmachines.a $(LIBS)
$(filter-out %/two_machines,$(EXAMPLES)): $(B)/%: $(B)/obj/%.o $(LIBS)
$(EXAMPLES):
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(LINK) $^ -ljansson -pthread -o $@

%.a:
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

# What objects were compiled with; they are compiled again when that changes.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(COMMON)$(if $(HAVE_KDUMPFILE), kdumpfile)' | cmp -s - $@ || \
		echo '$(CC) $(COMMON)$(if $(HAVE_KDUMPFILE), kdumpfile)' >$@

# -------------------------------------------------------------------------------------------------------------- tests

TEST_FRONT_O := $(B)/obj/tests/check.o $(B)/obj/tests/runner.o
TEST_O := $(TEST_PROGRAMS:$(B)/%=$(B)/obj/%.o)

# It compiles generated code with stores of its own.
$(B)/obj/tests/model/test_wide.o $(B)/obj/tests/model/test_wide.criterion.o: $(B)/made_up/broad.c $(B)/made_up/upended.c
$(TEST_O) $(TEST_O:.o=.criterion.o) $(PART_O) $(SUPPORT_O): | $(GENERATED_H) $(PTGEN_MADE_H) $(B)/made_up/list.h $(B)/selftest/list.h
$(TEST_FRONT_O) $(TEST_O) $(PART_O) $(SUPPORT_O) $(HARNESS:$(B)/%=$(B)/obj/%.o): $(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) $(INCLUDE_tests) -MMD -MP -c $< -o $@

# What the macros of Criterion expand to is not ours to warn about.
CRITERION_WARNINGS := -Wno-missing-prototypes -Wno-pedantic -Wno-shadow
$(TEST_O:.o=.criterion.o) $(HARNESS:$(B)/%=$(B)/obj/%.criterion.o): $(B)/obj/%.criterion.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) $(CRITERION_WARNINGS) -DTEST_CRITERION $(INCLUDE_tests) -MMD -MP -c $< -o $@
$(B)/obj/tests/criterion.o: $(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) $(CRITERION_WARNINGS) -DTEST_CRITERION $(INCLUDE_tests) -MMD -MP -c $< -o $@

$(B)/libtestsupport.a: $(SUPPORT_O)
TEST_LIBS := $(if $(SUPPORT_O),$(B)/libtestsupport.a) $(B)/libmadeup.a $(B)/libmachines.a $(LIBS) $(if $(wildcard ptgen/main.c),$(B)/libptgen.a)

# The other files of a directory go with each of its programs.
define test_directory
$(patsubst %.c,$(B)/%,$(call programs_in,$(1))) $(patsubst %.c,$(B)/%.criterion,$(call programs_in,$(1))): \
	$(patsubst %.c,$(B)/obj/%.o,$(call parts_in,$(1)))
endef
$(foreach dir,$(TEST_DIRS),$(if $(call parts_in,$(dir)),$(eval $(call test_directory,$(dir)))))

$(B)/tests/selftest/test_selftest $(B)/tests/selftest/test_selftest.criterion: $(SELFTEST_O)
$(TEST_PROGRAMS): $(TEST_LIBS)
$(TEST_PROGRAMS:%=%.criterion): $(TEST_LIBS)
# libaddrxlat, where it is installed, is an oracle.
ADDRXLAT := $(B)/tests/oracle/test_addrxlat $(B)/tests/oracle/test_addrxlat.criterion
$(ADDRXLAT): TEST_LINK := $(if $(HAVE_KDUMPFILE),-laddrxlat)
$(B)/obj/tests/oracle/test_addrxlat.o $(B)/obj/tests/oracle/test_addrxlat.criterion.o: \
	INCLUDE_tests += $(if $(HAVE_KDUMPFILE),-DHAVE_KDUMPFILE)

$(TEST_PROGRAMS) $(HARNESS): $(B)/%: $(B)/obj/%.o $(TEST_FRONT_O)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(filter %.o,$^) $(filter %.a,$^) $(TEST_LINK) -ljansson -pthread -o $@
$(TEST_PROGRAMS:%=%.criterion) $(HARNESS).criterion: $(B)/%.criterion: $(B)/obj/%.criterion.o $(B)/obj/tests/check.o $(B)/obj/tests/criterion.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(filter %.o,$^) $(filter %.a,$^) $(TEST_LINK) -lcriterion -ljansson -pthread -o $@

$(FUZZ_O) $(B)/obj/tests/fuzz/front.o: $(B)/obj/%.o: %.c $(B)/flags | $(GENERATED_H) $(PTGEN_MADE_H)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(COMMON) $(INCLUDE_user) -Itools/pttool $(INCLUDE_ptgen) -MMD -MP -c $< -o $@
# The compiler's entry points need only the compiler; the tool's need all of the tool but its main().
FUZZ_PARTS_ptgen := $(B)/libptgen.a
FUZZ_PARTS_tool := $(B)/obj/tests/fuzz/table.o $(filter-out %/main.o,$(PTTOOL_O)) $(LIBS)
fuzz_parts = $(if $(filter parse compile,$(1)),$(FUZZ_PARTS_ptgen),$(FUZZ_PARTS_tool))
FUZZ_LIBS := -ljansson -lelf $(if $(HAVE_KDUMPFILE),-lkdumpfile)
define fuzz_programs
$(B)/fuzz/replay-$(1): $(B)/obj/tests/fuzz/fuzz_$(1).o $(B)/obj/tests/fuzz/front.o $(call fuzz_parts,$(1))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(LINK) $$(filter %.o,$$^) $$(filter %.a,$$^) $(FUZZ_LIBS) -o $$@
$(B)/fuzz/libfuzzer-$(1): $(B)/obj/tests/fuzz/fuzz_$(1).o $(call fuzz_parts,$(1))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(LINK) -fsanitize=fuzzer $$(filter %.o,$$^) $$(filter %.a,$$^) $(FUZZ_LIBS) -o $$@
endef
$(foreach name,$(FUZZ_NAMES),$(eval $(call fuzz_programs,$(name))))

# Sanitizers and Criterion do not go together (a leak does not change its status), so there our own runner is used.
# It is built in any case, to run single tests.
HAVE_CRITERION := $(if $(SANITIZE),,$(shell echo '$(HASH)include <criterion/criterion.h>' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes))
SUITES := $(if $(HAVE_CRITERION),$(TEST_PROGRAMS:%=%.criterion),$(TEST_PROGRAMS))

tests: $(TEST_PROGRAMS) $(HARNESS) $(REPLAYERS) $(if $(HAVE_CRITERION),$(SUITES) $(HARNESS).criterion)

check-run: all $(or $(NEEDS),tests)
	@BUILD=$(B) GENERATED=$(G) CC='$(CC)' WARNINGS='$(WARNINGS)' SANITIZE='$(SANITIZE)' FORMATS='$(FORMATS)' PTDS='$(PTDS)' \
		MADE_UP='$(MADE_UP)' CRITERION='$(HAVE_CRITERION)' $(if $(SEED),TEST_SEED='$(SEED)') tests/run-suites $(SUITES) $(TEST_SCRIPTS)

include tools/install.mk

-include $(wildcard $(B)/pic/*/*/*.d $(B)/obj/*.d $(B)/obj/*/*.d $(B)/obj/*/*/*.d $(G)/.*.d $(B)/made_up/.*.d)
