# `make install DESTDIR= PREFIX= LUA_VERSION=`: one Lua version's modules and the
# commands that use it, the C libraries with their headers and pkg-config files, and
# the manual pages.

LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
LUA_LIBDIR = $(LIBDIR)/lua/$(LUA_VERSION)
LUA_SHAREDIR = $(DATADIR)/lua/$(LUA_VERSION)

.PHONY: install install-lua install-commands install-library install-pkgconfig install-manual \
	deps-install

install: install-lua install-commands install-library install-pkgconfig install-manual

install-lua: all
	@install -d '$(DESTDIR)$(LUA_LIBDIR)/eni6/core' '$(DESTDIR)$(LUA_SHAREDIR)'
	@install -m 755 $(BUILD)/lua$(LUA_VERSION)/eni6/core.so '$(DESTDIR)$(LUA_LIBDIR)/eni6/'
	@install -m 755 $(BUILD)/lua$(LUA_VERSION)/eni6/core/http.so $(BUILD)/lua$(LUA_VERSION)/eni6/core/xml.so \
		'$(DESTDIR)$(LUA_LIBDIR)/eni6/core/'
	@cp -R --preserve=timestamps lua/eni6 '$(DESTDIR)$(LUA_SHAREDIR)/'
	@cp -R $(BUILD)/lua$(LUA_VERSION)/eni6/compiled '$(DESTDIR)$(LUA_LIBDIR)/eni6/'

# A wrapper names the folders, so that any PREFIX works without LUA_PATH.
install-commands: all
	@install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(DATADIR)/eni6/bin'
	@cp -R scripts '$(DESTDIR)$(DATADIR)/eni6/'
	@rm -r '$(DESTDIR)$(DATADIR)/eni6/scripts/packaging'
	@for script in scripts/*.lua; do \
		name=$$(basename $$script .lua); target='$(DESTDIR)$(PREFIX)/bin/'eni6-$$name; \
		install -m 644 $$script '$(DESTDIR)$(DATADIR)/eni6/bin/'eni6-$$name; \
		printf '%s\n' '#!/bin/sh' \
			'LUA_PATH="$(LUA_SHAREDIR)/?.lua;$(LUA_SHAREDIR)/?/init.lua;$${LUA_PATH:-;}" \' \
			'LUA_CPATH="$(LUA_LIBDIR)/?.so;$${LUA_CPATH:-;}" \' \
			"exec lua$(LUA_VERSION) '$(DATADIR)/eni6/bin/eni6-$$name' \"\$$@\"" >$$target; \
		chmod 755 $$target; done

install-library: all
	@install -d '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(INCLUDEDIR)/eni6'
	@install -m 644 $(PUBLIC_HEADERS) core/binding/openers.h '$(DESTDIR)$(INCLUDEDIR)/eni6/'
	@install -m 644 $(LIBRARIES:%=$(BUILD)/lib%.a) $(BUILD)/libeni6-lua$(LUA_VERSION).a '$(DESTDIR)$(LIBDIR)/'
	@for library in $(LIBRARIES); do \
		install -m 644 $(BUILD)/lib$$library.so.$(VERSION) '$(DESTDIR)$(LIBDIR)/'; \
		ln -sf lib$$library.so.$(VERSION) '$(DESTDIR)$(LIBDIR)/'lib$$library.so.$(ABI); \
		ln -sf lib$$library.so.$(ABI) '$(DESTDIR)$(LIBDIR)/'lib$$library.so; done

# pkg_config NAME, DESCRIPTION, REQUIRES, WHAT ONLY A STATIC PROGRAM REQUIRES
define pkg_config
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$(INCLUDEDIR)' '' 'Name: $(1)' \
		'Description: $(2)' 'Version: $(VERSION)' 'Requires: $(3)' 'Requires.private: $(4)' \
		'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -l$(1)' \
		>'$(DESTDIR)$(LIBDIR)/pkgconfig/$(1).pc'
endef

install-pkgconfig:
	@install -d '$(DESTDIR)$(LIBDIR)/pkgconfig'
	$(call pkg_config,eni6,AWS signatures$(comma) blocks of IPv6 addresses and netlink,,libcrypto)
	$(call pkg_config,eni6-http,HTTP transfers behind one descriptor,eni6,libcurl)
	$(call pkg_config,eni6-xml,XML as AWS answers with it,eni6,expat)
	$(call pkg_config,eni6-lua$(LUA_VERSION),eni6.core for programs that link it statically,lua$(LUA_VERSION) libcrypto libcurl expat)

deps-install: | build
	$(call install_packages,$(PACKAGES_BUILD) lua$(LUA_VERSION) lua-argparse lua-dkjson lua-lpeg)

# Each command's manual page says what its --help says; the links let a script take
# itself for the command.
MANUAL := $(patsubst scripts/%.lua,build/man/eni6-%.1,$(wildcard scripts/*.lua))

build/man/%.1: scripts/packaging/manual.lua $(wildcard scripts/*.lua scripts/lib/*.lua) core/eni6.h | modules deps-install
	@mkdir -p build/man/bin && ln -sfn ../../scripts build/man/scripts
	@ln -sfn ../../../scripts/$(patsubst eni6-%,%,$*).lua build/man/bin/$*
	@lua$(LUA_VERSION) scripts/packaging/manual.lua $(VERSION) '$(DATADIR)/eni6/scripts/plans' lua$(LUA_VERSION) build/man/bin/$* >$@.new
	@mv $@.new $@

install-manual: $(MANUAL)
	@install -d '$(DESTDIR)$(MANDIR)/man1'
	@install -m 644 $(MANUAL) '$(DESTDIR)$(MANDIR)/man1/'
