# `make rocks`: a folder that luarocks can install this version from, build/rocks.

ROCKS := build/rocks
RELEASE := eni6-$(VERSION)

.PHONY: rocks

rocks: | build
	$(call install_packages,lua5.4 luarocks)
	@rm -rf $(ROCKS) && mkdir -p $(ROCKS)
	@tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --exclude=__pycache__ --transform 's,^,$(RELEASE)/,' \
		-czf $(ROCKS)/$(RELEASE).tar.gz Makefile README.md LICENSE core lua scripts
	@lua5.4 scripts/packaging/rockspec.lua $(VERSION) file://$(CURDIR)/$(ROCKS)/$(RELEASE).tar.gz >$(ROCKS)/$(RELEASE)-1.rockspec
	@{ cd $(ROCKS) && luarocks pack $(RELEASE)-1.rockspec && rm $(RELEASE)-1.rockspec $(RELEASE).tar.gz && \
		luarocks-admin make_manifest .; } >build/rocks.log 2>&1 || { cat build/rocks.log >&2; exit 1; }
