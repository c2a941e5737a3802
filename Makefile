# eni6: `make demo` shows the main job, `make check` passes every test; both
# install from Debian what is missing and say so first. `make help` lists the rest.

LUA_VERSION ?= 5.4
LUA_VERSIONS ?= 5.4 5.3
PREFIX ?= /usr/local
CC ?= gcc
# SANITIZE=address,undefined (or thread) builds into a tree of its own.
SANITIZE ?=

comma := ,
VARIANT := $(if $(SANITIZE),$(subst $(comma),-,$(SANITIZE)),release)
BUILD := build/$(VARIANT)

WARNINGS := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings
OPTIMIZE := $(if $(SANITIZE),-O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) \
	-fno-sanitize-recover=all,-O3 -fno-plt -g)
CFLAGS_ALL := -std=gnu11 -fPIC -fvisibility=hidden $(OPTIMIZE) $(WARNINGS) $(CFLAGS)
LINK_ALL := $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

CORE := $(filter-out core/http%.c core/xml.c,$(wildcard core/*.c))
BINDING := $(filter-out core/binding/http.c core/binding/xml.c core/binding/eni6L.c,$(wildcard core/binding/*.c))
CORE_OBJECTS := $(CORE:%.c=$(BUILD)/%.o)
HTTP_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard core/http*.c))
SUPPORT_PROGRAMS := $(patsubst tests/support/%.c,$(BUILD)/tests/support/%,$(wildcard tests/support/*.c))
C_TESTS := $(patsubst tests/c/%.c,$(BUILD)/tests/c/%,$(wildcard tests/c/test_*.c))

.PHONY: all help env deps-build deps-demo deps-check deps-bench demo check bench fuzz lint format \
	modules rockspec clean c-tests sanitized fuzzers

all: modules

modules: $(foreach v,$(LUA_VERSIONS),$(BUILD)/lua$(v)/eni6/core.so \
	$(BUILD)/lua$(v)/eni6/core/http.so $(BUILD)/lua$(v)/eni6/core/xml.so)

help:
	@echo 'make demo     build and run the main job on the sandbox'
	@echo 'make check    build and run every test; closes with "N passed, N failed, N skipped"'
	@echo 'make all      build the modules and the C libraries into build/release'
	@echo 'make bench    measure against peers and print ratios'
	@echo 'make fuzz     fuzz the parsers at length (SECONDS_EACH=600)'
	@echo 'make lint     luacheck and clang-format'
	@echo 'make format   clang-format the C sources'
	@echo 'make install  into DESTDIR/PREFIX for LUA_VERSION: modules, commands, C libraries'
	@echo 'make env      print the exports with which a shell uses the built tree'

# --- packages -----------------------------------------------------------------

PACKAGES_BUILD := gcc libc6-dev pkg-config liblua5.4-dev liblua5.3-dev libssl-dev libcurl4-openssl-dev \
	libexpat1-dev
PACKAGES_DEMO := lua5.4 lua-lpeg lua-dkjson lua-yaml lua-argparse lua-cqueues lua-http \
	ca-certificates $(if $(filter 0,$(shell id -u)),docker.io busybox-static curl iproute2 nftables radvd ndppd)
PACKAGES_CHECK := lua5.3 lua-expat graphviz lua-busted lua-check luarocks libcmocka-dev awscli python3-botocore \
	python3-boto3 python3-jmespath cloud-init clang libclang-rt-14-dev clang-format \
	openssl gpg gpg-agent openssh-client curl procps iproute2 docker.io busybox-static nftables radvd nghttp2-server python3 iputils-ping python3-pyroute2 ndppd \
	debootstrap systemd-container dnsmasq-base $(if $(filter 0,$(shell id -u)),openssh-server)
PACKAGES_CHECK += g++ mandoc man-db valgrind haproxy nghttp2-client lighttpd lighttpd-modules-lua nmap
PACKAGES_BENCH := python3-netaddr npm time

# What the tests start by themselves, and Debian as soon as it is installed.
SERVICES := haproxy lighttpd

# Installs those of the named packages that are missing, after saying which; those
# services do not stay running.
define install_packages
@missing=$$(for p in $(1); do \
	dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || echo $$p; done); \
if [ -n "$$missing" ]; then \
	echo "Installing from Debian:" $$missing; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; else \
		echo "Not root and no sudo: install these packages first, then run make again." >&2; exit 1; fi; \
	{ $$sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -q \
		--no-install-recommends $$missing; } >build/apt.log 2>&1 </dev/null || \
		{ tail -n 20 build/apt.log >&2; echo "apt-get failed; its whole log is build/apt.log" >&2; exit 1; }; \
	for service in $(SERVICES); do case " $$missing " in *" $$service "*) \
		[ ! -d /run/systemd/system ] || $$sudo systemctl disable --now $$service >>build/apt.log 2>&1 || :;; esac; done; \
fi
endef

build:
	@mkdir -p build

deps-build: | build
	$(call install_packages,$(PACKAGES_BUILD))
deps-demo: | build
	$(call install_packages,$(PACKAGES_BUILD) $(PACKAGES_DEMO))
deps-check: | build
	$(call install_packages,$(PACKAGES_BUILD) $(PACKAGES_DEMO) $(PACKAGES_CHECK))
deps-bench: | build
	$(call install_packages,$(PACKAGES_BUILD) $(PACKAGES_DEMO) $(PACKAGES_CHECK) $(PACKAGES_BENCH))

# --- building -----------------------------------------------------------------

$(BUILD)/core/%.o: core/%.c | deps-build
	@mkdir -p $(@D)
	@echo '  CC  $<'
	@$(CC) $(CFLAGS_ALL) -MMD -c $< -o $@

$(BUILD)/libeni6.a: $(CORE_OBJECTS)
	@mkdir -p $(@D) && rm -f $@
	@ar rcs $@ $^

$(BUILD)/libeni6-http.a: $(HTTP_OBJECTS)
	@mkdir -p $(@D) && rm -f $@
	@ar rcs $@ $^

# One set of rules for each Lua version: the binding is compiled against its headers.
define lua_rules
$(BUILD)/lua$(1)/binding/%.o: core/binding/%.c | deps-build
	@mkdir -p $$(@D)
	@echo '  CC  $$< (Lua $(1))'
	@$$(CC) $$(CFLAGS_ALL) $$$$(pkg-config --cflags lua$(1)) -MMD -c $$< -o $$@

$(BUILD)/lua$(1)/eni6/core.so: $(patsubst core/binding/%.c,$(BUILD)/lua$(1)/binding/%.o,$(BINDING)) \
		$(BUILD)/lua$(1)/binding/eni6L.o $(BUILD)/libeni6.a
	@mkdir -p $$(@D)
	@echo '  LD  $$@'
	@$$(CC) -shared $$(LINK_ALL) -o $$@ $$^ -lcrypto

$(BUILD)/lua$(1)/eni6/core/http.so: $(BUILD)/lua$(1)/binding/http.o \
		$(BUILD)/lua$(1)/binding/eni6L.o $(BUILD)/libeni6-http.a $(BUILD)/core/error.o $(BUILD)/core/system.o
	@mkdir -p $$(@D)
	@echo '  LD  $$@'
	@$$(CC) -shared $$(LINK_ALL) -o $$@ $$^ -lcurl

$(BUILD)/lua$(1)/eni6/core/xml.so: $(BUILD)/lua$(1)/binding/xml.o \
		$(BUILD)/lua$(1)/binding/eni6L.o $(BUILD)/core/xml.o $(BUILD)/core/error.o
	@mkdir -p $$(@D)
	@echo '  LD  $$@'
	@$$(CC) -shared $$(LINK_ALL) -o $$@ $$^ -lexpat
endef
$(foreach v,$(LUA_VERSIONS),$(eval $(call lua_rules,$(v))))

# What packagers need; an instance that provision.lua configures is not sent it.
include $(wildcard scripts/packaging/*.mk)

# Tests of the core alone: one cmocka program a file.
$(BUILD)/tests/c/%: tests/c/%.c $(BUILD)/libeni6.a $(BUILD)/libeni6-http.a $(BUILD)/core/xml.o
	@mkdir -p $(@D)
	@echo '  LD  $@'
	@$(CC) $(CFLAGS_ALL) -Icore $(LINK_ALL) -MMD -MF $@.d -o $@ $< $(BUILD)/libeni6-http.a \
		$(BUILD)/core/xml.o $(BUILD)/libeni6.a -lcmocka -lcurl -lexpat -lcrypto

# The interpreter that runs the Lua tests on a sanitized build.
$(BUILD)/tests/embed/interpreter-lua%: tests/embed/interpreter.c | deps-build
	@mkdir -p $(@D)
	@echo '  LD  $@'
	@$(CC) $(CFLAGS_ALL) $(LINK_ALL) -o $@ $< $$(pkg-config --cflags --libs lua$*)

# The host of the allocation-failure sweep, for one Lua version.
$(BUILD)/tests/alloc/sweep-lua%: tests/alloc/sweep.c | deps-build
	@mkdir -p $(@D)
	@echo '  LD  $@'
	@$(CC) -std=gnu11 -O1 -g -Wall -Wextra $(LINK_ALL) -o $@ $< $$(pkg-config --cflags --libs lua$*)

# Programs that tests run beside them.
$(BUILD)/tests/support/%: tests/support/%.c | deps-build
	@mkdir -p $(@D)
	@echo '  LD  $@'
	@$(CC) $(CFLAGS_ALL) $(LINK_ALL) -o $@ $< -lm

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

c-tests: $(C_TESTS) $(SUPPORT_PROGRAMS) $(LUA_VERSIONS:%=$(BUILD)/tests/alloc/sweep-lua%)

# --- fuzzers ----------------------------------------------------------------------

# Each tests/fuzz/fuzz_*.c with the core's sources, all under libFuzzer, ASan and UBSan.
FUZZ_CC := clang -std=gnu11 -O1 -g -fno-omit-frame-pointer -Wall -Wextra -Wpedantic -Werror \
	-fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_OBJECTS := $(CORE:%.c=build/fuzz/%.o) build/fuzz/core/xml.o
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

build/fuzz/core/%.o: core/%.c | deps-check
	@mkdir -p $(@D)
	@echo '  CC  $< (fuzz)'
	@$(FUZZ_CC) -fsanitize=fuzzer-no-link -MMD -c $< -o $@

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_OBJECTS)
	@echo '  LD  $@'
	@$(FUZZ_CC) -fsanitize=fuzzer -Icore -MMD -MF $@.d -o $@ $< $(FUZZ_OBJECTS) -lexpat -lcrypto

-include $(shell find build/fuzz -name '*.d' 2>/dev/null)

fuzzers: $(FUZZERS)

SECONDS_EACH ?= 600
fuzz: deps-check
	@$(MAKE) -s --no-print-directory -j2 all fuzzers
	@SEED=$$(date +%s) SECONDS_EACH=$(SECONDS_EACH) tests/fuzz/run.t

env:
	@echo "export LUA_PATH='$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;'"
	@echo "export LUA_CPATH='$(CURDIR)/$(BUILD)/lua$(LUA_VERSION)/?.so;;'"

# --- using it -------------------------------------------------------------------

demo: deps-demo
	@$(MAKE) -s --no-print-directory -j2 all
	@lua5.4 tests/demo.lua

check: deps-check
	@$(MAKE) -s --no-print-directory -j2 all c-tests
	@$(MAKE) -s --no-print-directory -j2 sanitized fuzzers
	@lua5.4 tests/run.lua

# The whole of the C and Lua tests once more, under ASan and UBSan.
sanitized:
	@$(MAKE) -s --no-print-directory SANITIZE=address,undefined LUA_VERSIONS=5.4 \
		modules c-tests build/address-undefined/tests/embed/interpreter-lua5.4

bench: deps-bench
	@$(MAKE) -s --no-print-directory -j2 all
	@lua5.4 tests/bench/run.lua

# The rockspec lists exactly the files on disk.
rockspec:
	@lua5.4 scripts/packaging/rockspec.lua >eni6-scm-1.rockspec

lint:
	@sh tests/lint.t

format:
	clang-format -i $$(git ls-files 'core/*.[ch]' 'tests/*.[ch]' 'scripts/examples/*.[ch]')

clean:
	rm -rf build
