# The modules compiled for each Lua that is there to do it; see scripts/lib/compiled.lua.

LUA_SOURCES := $(shell find lua -name '*.lua')

.PHONY: compiled
compiled: $(foreach v,$(LUA_VERSIONS),$(BUILD)/lua$(v)/eni6/compiled/.made)
ifeq ($(SANITIZE),)
all: compiled
endif

$(BUILD)/lua%/eni6/compiled/.made: scripts/packaging/compile.lua $(LUA_SOURCES) | $(BUILD)/lua%/eni6/core.so
	@mkdir -p $(@D)
	@if command -v lua$* >/dev/null; then \
		LUA_CPATH='$(BUILD)/lua$*/?.so' lua$* scripts/packaging/compile.lua $(@D) && touch $@; fi
