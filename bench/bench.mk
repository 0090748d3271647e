# SPDX-License-Identifier: MIT
# bench.mk - builds the benchmark: the same subjects once per compiler and options, each build one object file whose only
# global name is its list, so that all fit into one program. Part of the Makefile; bench/README.md says what it is.

BENCH_FORMATS := x86_64 arm64_s1 vtd_second_stage amd_v1 armv7_short riscv_sv39_57
BENCH_SUBJECTS := $(patsubst bench/subjects/%.c,%,$(wildcard bench/subjects/*.c))
BENCH_PEERS := $(patsubst bench/kernel/%.c,%,$(wildcard bench/kernel/*.c))
BENCH_LINUX := $(B)/linux
# Which builds; the tables leave the columns of the others empty.
BENCH_BUILDS ?= kernel-like native $(shell command -v clang >/dev/null 2>&1 && echo clang)
BENCH_O := $(patsubst %.c,$(B)/obj/%.o,$(wildcard bench/*.c))
# Whether the code of the kernel is there is known once `make bench` has looked for it.
BENCH_HAVE_LINUX := $(if $(wildcard $(BENCH_LINUX)/version),-DHAVE_LINUX)
BENCH_LOOKED := $(wildcard $(BENCH_LINUX)/version $(BENCH_LINUX)/missing)

# name, compiler, options
define bench_build
$(B)/obj/bench/$(1)/subjects/%.o: bench/subjects/%.c bench/subjects/runs.h bench/subjects/ours.h bench/bench.h bench/pool.h runtime/pt.h $(B)/flags $(BENCH_LOOKED) | $(GENERATED_H)
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$(2) -std=c11 -D_POSIX_C_SOURCE=200809L $(WARNINGS) $(WERROR) -g $(3) -DBENCH_BUILD='"$(1)"' -DBENCH_LIST=bench_$(subst -,_,$(1)) \
		$(BENCH_HAVE_LINUX) -Iruntime -I$(G) -c $$< -o $$@
$(B)/obj/bench/$(1)/generated/%.o: $(G)/%.c runtime/pt.h
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$(2) -std=c11 $(WARNINGS) $(WERROR) -g $(3) -Iruntime -I$(G) -c $$< -o $$@
$(B)/obj/bench/$(1)/kernel/%.o: bench/kernel/%.c $(wildcard bench/kernel/*.h) bench/subjects/runs.h bench/bench.h $(BENCH_LOOKED)
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$(2) -std=gnu11 -w -g $(3) -fno-strict-aliasing -DBENCH_BUILD='"$(1)"' -DCONFIG_64BIT -DCONFIG_PHYS_ADDR_T_64BIT \
		-include bench/kernel/shim.h -I$(BENCH_LINUX)/include -I$(BENCH_LINUX)/source -Ibench/kernel -c $$< -o $$@
$(B)/obj/bench/$(1).o: $(BENCH_SUBJECTS:%=$(B)/obj/bench/$(1)/subjects/%.o) $(BENCH_FORMATS:%=$(B)/obj/bench/$(1)/generated/%.o) \
		$(if $(BENCH_HAVE_LINUX),$(BENCH_PEERS:%=$(B)/obj/bench/$(1)/kernel/%.o))
	$$(call say,LINK,$$@)
	$$(Q)$$(LD) -r $$^ -o $$@ && objcopy --keep-global-symbol=bench_$(subst -,_,$(1)) $$@
endef
$(eval $(call bench_build,kernel-like,$(CC),-O2 -mgeneral-regs-only))
$(eval $(call bench_build,native,$(CC),-O3 -march=native))
$(eval $(call bench_build,clang,clang,-O2))

bench_list = bench_$(subst -,_,$(1)),
$(BENCH_O): INCLUDE_user += -DBENCH_LISTS='$(foreach build,$(BENCH_BUILDS),$(call bench_list,$(build)))' -DBENCH_LINUX='"$(BENCH_LINUX)"'
$(B)/bench: $(BENCH_O) $(BENCH_BUILDS:%=$(B)/obj/bench/%.o)
	$(call say,LINK,$@)
	$(Q)$(LINK) $^ -ljansson -pthread -o $@
