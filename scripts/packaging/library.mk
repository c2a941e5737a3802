# The core as C libraries: libeni6 (needs libcrypto), libeni6-http (libcurl) and
# libeni6-xml (expat), each static and shared; and libeni6-lua5.x, static: the
# bindings with all of the core, for hosts that link it into themselves.

VERSION := $(shell sed -n 's/^.define ENI6_VERSION "\(.*\)"/\1/p' core/eni6.h)
VERSION_PARTS := $(subst ., ,$(VERSION))
# What the soname carries: while the major version is 0, a minor one may change the ABI.
ABI := $(word 1,$(VERSION_PARTS))$(if $(filter 0,$(word 1,$(VERSION_PARTS))),.$(word 2,$(VERSION_PARTS)))

LIBRARIES := eni6 eni6-http eni6-xml
XML_OBJECTS := $(BUILD)/core/xml.o
PUBLIC_HEADERS := $(filter-out core/bucket.h core/http_private.h core/rtnl_table.h,$(wildcard core/*.h))

.PHONY: library

# A sanitizer's run-time library is in no shared library of ours.
all: $(if $(SANITIZE),,library)

library: $(LIBRARIES:%=$(BUILD)/lib%.a) $(LIBRARIES:%=$(BUILD)/lib%.so.$(VERSION)) \
	$(LUA_VERSIONS:%=$(BUILD)/libeni6-lua%.a)

# The shared libraries' objects export what stands in the headers, and nothing else.
$(BUILD)/shared/core/%.o: core/%.c | deps-build
	@mkdir -p $(@D)
	@echo '  CC  $< (shared)'
	@$(CC) $(CFLAGS_ALL) -DENI6_SHARED -fno-semantic-interposition -MMD -c $< -o $@

$(BUILD)/libeni6-xml.a: $(XML_OBJECTS)
	@rm -f $@ && ar rcs $@ $^

define shared_library
$(BUILD)/lib$(1).so.$(VERSION): $(patsubst $(BUILD)/%,$(BUILD)/shared/%,$(2)) $(3)
	@echo '  LD  $$@'
	@$$(CC) -shared $$(LINK_ALL) -Wl,-z,defs -Wl,-z,now -Wl,-soname,lib$(1).so.$(ABI) -o $$@ $$^ $(4)
endef
$(eval $(call shared_library,eni6,$(CORE_OBJECTS),,-lcrypto))
$(eval $(call shared_library,eni6-http,$(HTTP_OBJECTS),$(BUILD)/libeni6.so.$(VERSION),-lcurl))
$(eval $(call shared_library,eni6-xml,$(XML_OBJECTS),$(BUILD)/libeni6.so.$(VERSION),-lexpat))

define lua_library
$(BUILD)/libeni6-lua$(1).a: $(patsubst core/%.c,$(BUILD)/lua$(1)/%.o,$(wildcard core/binding/*.c)) \
		$(CORE_OBJECTS) $(HTTP_OBJECTS) $(XML_OBJECTS)
	@rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach v,$(LUA_VERSIONS),$(eval $(call lua_library,$(v))))

# The hosts of tests/embed, with eni6 linked in.
define embed_host
$(BUILD)/tests/embed/%-lua$(1): tests/embed/%.c tests/embed/host.h $(BUILD)/libeni6-lua$(1).a
	@mkdir -p $$(@D)
	@echo '  LD  $$@'
	@$$(CC) $$(CFLAGS_ALL) $$(LINK_ALL) -pthread -o $$@ $$< $$$$(pkg-config --cflags lua$(1)) $(BUILD)/libeni6-lua$(1).a \
		$$$$(pkg-config --libs lua$(1) libcurl expat libcrypto)
endef
$(foreach v,$(LUA_VERSIONS),$(eval $(call embed_host,$(v))))
c-tests: $(foreach v,$(LUA_VERSIONS),$(BUILD)/tests/embed/states-lua$(v) $(BUILD)/tests/embed/bad_hosts-lua$(v))
