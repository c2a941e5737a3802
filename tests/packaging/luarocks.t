#!/bin/sh
# The rockspec lists what is on disk, and installs into a scratch tree from which
# the modules load, for each Lua; afterwards nothing of it is left.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
n=0
report() { # report DESCRIPTION COMMAND...
  n=$((n + 1)); description=$1; shift
  if "$@" >"$scratch/log" 2>&1; then echo "ok $n - $description"; else
    echo "not ok $n - $description"; tail -n 20 "$scratch/log" | sed 's/^/# /'; fi
}

is_current() { lua5.4 tests/packaging/rockspec.lua | diff -u eni6-scm-1.rockspec -; }

installs() { # a copy of the sources, so that no object lands in the tree
  mkdir -p "$scratch/src$1" && cp -r core lua scripts README.md eni6-scm-1.rockspec "$scratch/src$1/" &&
    (cd "$scratch/src$1" && luarocks --lua-version="$1" --tree="$scratch/tree$1" make --deps-mode none)
}

with_rock() { # with_rock VERSION COMMAND...: as after `luarocks path`, and no path into this tree
  tree=$scratch/tree$1; version=$1; shift
  (cd / && LUA_PATH="$tree/share/lua/$version/?.lua;$tree/share/lua/$version/?/init.lua;;" \
    LUA_CPATH="$tree/lib/lua/$version/?.so;;" "$@")
}

loads() {
  with_rock $1 "lua$1" -e '
    local eni6 = require("eni6")
    assert(eni6.version:match("^%d+%.%d+%.%d+$"))
    assert(tostring(eni6.ip6.address("2001:db8::1")) == "2001:db8::1")
    assert(eni6.sigv4.new and eni6.http.new({}) and eni6.blocks.new)
    assert(require("eni6.aws.ec2").new)'
}

command_helps() {
  for command in "$scratch/tree$1/bin/"eni6-*; do
    with_rock $1 "$command" --help | grep -qi usage || { echo "$command --help"; return 1; }
  done
}

provisions() {
  with_rock $1 "$scratch/tree$1/bin/eni6-provision" "$scratch/src$1/scripts/plans/two-instances.lua" --sandbox --json |
    grep -q '"address":"2001:db8:47b:ca03::1:1"'
}

removes() {
  luarocks --lua-version="$1" --tree="$scratch/tree$1" remove eni6 &&
    [ -z "$(find "$scratch/tree$1/share" "$scratch/tree$1/lib" "$scratch/tree$1/bin" -type f -path '*eni6*' ! -path '*/luarocks/*')" ]
}

report "the rockspec lists what is on disk (else: make rockspec)" is_current
for version in 5.4 5.3; do
  report "luarocks make for Lua $version" installs $version
  report "modules load from the tree, Lua $version" loads $version
  report "every command prints its help, Lua $version" command_helps $version
  report "eni6-provision rehearses a plan, Lua $version" provisions $version
  report "luarocks remove leaves nothing, Lua $version" removes $version
done
echo "1..$n"
