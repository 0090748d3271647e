# SPDX-License-Identifier: MIT
# Manual pages, completions, and where everything goes: make install DESTDIR=... PREFIX=...

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include/ptgen
LIBDIR ?= $(PREFIX)/lib
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
FORMATSDIR := $(DATADIR)/ptgen/formats

MANUALS := $(patsubst docs/man/%.in,build/man/%,$(wildcard docs/man/*.in))
MANUAL_PROGRAMS := $(filter $(patsubst docs/man/%.1.in,%,$(wildcard docs/man/*.1.in)),$(notdir $(PROGRAMS)))
COMPLETIONS := $(foreach program,$(MANUAL_PROGRAMS),build/completions/$(program).bash build/completions/$(program).zsh build/completions/$(program).fish)

build/man/%.help: build/%
	@mkdir -p $(@D)
	$(Q)build/$* --help >$@
build/man/%: docs/man/%.in tools/man.awk docs/language.md $(VCM_HEADERS) $(MANUAL_PROGRAMS:%=build/man/%.help)
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)$(AWK) -v version=$(VERSION) -f tools/man.awk $< >$@

define completion_rules
build/completions/$(1).bash build/completions/$(1).zsh build/completions/$(1).fish: build/completions/$(1).%: build/man/$(1).help tools/completion.awk
	@mkdir -p build/completions
	$$(Q)$$(AWK) -v shell=$$* -v program=$(1) -f tools/completion.awk $$< >$$@
endef
$(foreach program,$(MANUAL_PROGRAMS),$(eval $(call completion_rules,$(program))))

build/%.pc: tools/%.pc.in FORCE
	@mkdir -p $(@D)
	$(Q)sed 's|@prefix@|$(PREFIX)|; s|@bindir@|$(BINDIR)|; s|@includedir@|$(INCLUDEDIR)|; s|@libdir@|$(LIBDIR)|; s|@formatsdir@|$(FORMATSDIR)|; s|@version@|$(VERSION)|' $< >$@

# Vim finds its files by itself; for other editors they are where the formats are.
SYNTAX_FILES := $(patsubst tools/editors/%,%,$(wildcard tools/editors/*/* tools/editors/*/*/*.vim))
SYNTAX_FILES := $(filter %.vim %.json %.plist %.tmLanguage,$(SYNTAX_FILES))
INSTALLED_BINARIES := $(filter build/ptgen build/pttool build/vcmrun,$(PROGRAMS))

manuals: $(PROGRAMS) $(MANUALS) $(COMPLETIONS)

install: ## install programs, headers, libraries, formats, manual pages and completions (DESTDIR, PREFIX)
	@$(MAKE) --no-print-directory $(PARALLEL) all manuals build/ptgen.pc build/vcm.pc build/libvcm.so.$(VCM_MAJOR)
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(INCLUDEDIR)/vcm' '$(DESTDIR)$(INCLUDEDIR)/formats' '$(DESTDIR)$(LIBDIR)/pkgconfig' \
		'$(DESTDIR)$(LIBDIR)/cmake/ptgen' '$(DESTDIR)$(FORMATSDIR)' '$(DESTDIR)$(MANDIR)/man1' '$(DESTDIR)$(MANDIR)/man3' '$(DESTDIR)$(MANDIR)/man5' \
		'$(DESTDIR)$(DATADIR)/bash-completion/completions' '$(DESTDIR)$(DATADIR)/zsh/site-functions' \
		'$(DESTDIR)$(DATADIR)/fish/vendor_completions.d'
	install -m 755 $(INSTALLED_BINARIES) '$(DESTDIR)$(BINDIR)'
	install -m 644 runtime/pt.h runtime/pt_nested.h '$(DESTDIR)$(INCLUDEDIR)'
	install -m 644 runtime/vcm/vc.h runtime/vcm/vcm.h runtime/vcm/vcm_alloc.h runtime/vcm/vcmx.h '$(DESTDIR)$(INCLUDEDIR)/vcm'
	install -m 644 $(FORMATS:%=$(G)/%.h) $(G)/registry.h '$(DESTDIR)$(INCLUDEDIR)/formats'
	install -m 644 build/libvcm.a '$(DESTDIR)$(LIBDIR)'
	install -m 755 build/libvcm.so.$(VCM_MAJOR) '$(DESTDIR)$(LIBDIR)'
	ln -sf libvcm.so.$(VCM_MAJOR) '$(DESTDIR)$(LIBDIR)/libvcm.so'
	install -m 644 build/libformats.a '$(DESTDIR)$(LIBDIR)/libptgen-formats.a'
	install -m 644 build/ptgen.pc build/vcm.pc '$(DESTDIR)$(LIBDIR)/pkgconfig'
	install -m 644 tools/ptgen-config.cmake '$(DESTDIR)$(LIBDIR)/cmake/ptgen'
	install -m 644 $(PTDS) '$(DESTDIR)$(FORMATSDIR)'
	for file in $(SYNTAX_FILES); do \
		install -D -m 644 tools/editors/$$file '$(DESTDIR)$(DATADIR)/ptgen/editors/'$$file || exit 1; \
	done
	for file in $(patsubst vim/%,%,$(filter vim/%,$(SYNTAX_FILES))); do \
		install -D -m 644 tools/editors/vim/$$file '$(DESTDIR)$(DATADIR)/vim/vimfiles/'$$file || exit 1; \
	done
	install -m 644 $(filter %.1,$(MANUALS)) '$(DESTDIR)$(MANDIR)/man1'
	install -m 644 $(filter %.3,$(MANUALS)) '$(DESTDIR)$(MANDIR)/man3'
	install -m 644 $(filter %.5,$(MANUALS)) '$(DESTDIR)$(MANDIR)/man5'
	for program in $(MANUAL_PROGRAMS); do \
		install -m 644 build/completions/$$program.bash '$(DESTDIR)$(DATADIR)/bash-completion/completions/'$$program && \
		install -m 644 build/completions/$$program.zsh '$(DESTDIR)$(DATADIR)/zsh/site-functions/_'$$program && \
		install -m 644 build/completions/$$program.fish '$(DESTDIR)$(DATADIR)/fish/vendor_completions.d' || exit 1; \
	done

uninstall: ## remove what install puts there (the same DESTDIR and PREFIX)
	rm -f $(INSTALLED_BINARIES:build/%='$(DESTDIR)$(BINDIR)/%')
	rm -rf '$(DESTDIR)$(INCLUDEDIR)' '$(DESTDIR)$(LIBDIR)/cmake/ptgen' '$(DESTDIR)$(DATADIR)/ptgen'
	rm -f '$(DESTDIR)$(LIBDIR)/libvcm.a' '$(DESTDIR)$(LIBDIR)/libvcm.so' '$(DESTDIR)$(LIBDIR)/libvcm.so.$(VCM_MAJOR)' \
		'$(DESTDIR)$(LIBDIR)/pkgconfig/vcm.pc' '$(DESTDIR)$(LIBDIR)/libptgen-formats.a' '$(DESTDIR)$(LIBDIR)/pkgconfig/ptgen.pc'
	rm -f $(patsubst vim/%,'$(DESTDIR)$(DATADIR)/vim/vimfiles/%',$(filter vim/%,$(SYNTAX_FILES)))
	rm -f $(patsubst build/man/%,'$(DESTDIR)$(MANDIR)/man1/%',$(filter %.1,$(MANUALS))) \
		$(patsubst build/man/%,'$(DESTDIR)$(MANDIR)/man3/%',$(filter %.3,$(MANUALS))) \
		$(patsubst build/man/%,'$(DESTDIR)$(MANDIR)/man5/%',$(filter %.5,$(MANUALS)))
	rm -f $(foreach program,$(MANUAL_PROGRAMS),'$(DESTDIR)$(DATADIR)/bash-completion/completions/$(program)' \
		'$(DESTDIR)$(DATADIR)/zsh/site-functions/_$(program)' '$(DESTDIR)$(DATADIR)/fish/vendor_completions.d/$(program).fish')

# What is under version control, and what bison and flex make of it: the same bytes from the same commit.
DIST := ptgen-$(VERSION)
dist: ## write build/ptgen-VERSION.tar.gz: the sources, to be built without flex and bison
	@git rev-parse --git-dir >/dev/null 2>&1 || { echo 'make dist needs the git repository: it packs what is under version control' >&2; exit 1; }
	@$(MAKE) --no-print-directory build/obj/ptgen/parse.c build/obj/ptgen/scan.c
	@rm -rf build/$(DIST) && mkdir -p build/$(DIST)
	@git ls-files -z | tar -c --null -T - | tar -x -C build/$(DIST)
	@mkdir build/$(DIST)/ptgen/made && cp build/obj/ptgen/parse.[ch] build/obj/ptgen/scan.[ch] build/$(DIST)/ptgen/made
	@tar -C build --sort=name --mtime=@$$(git log -1 --format=%ct) --owner=0 --group=0 --numeric-owner --mode=u+w,go=rX -c $(DIST) | \
		gzip -9n >build/$(DIST).tar.gz
	@rm -rf build/$(DIST)
	@echo build/$(DIST).tar.gz

.PHONY: dist install uninstall manuals
