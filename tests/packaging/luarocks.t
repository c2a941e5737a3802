#!/bin/sh
# The rockspec lists what is on disk; and somebody who has neither this tree nor root
# installs from a rocks server, uses what is installed, and removes it, for each Lua.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
n=0
report() { # report DESCRIPTION COMMAND...
  n=$((n + 1)); description=$1; shift
  if "$@" >"$scratch/log" 2>&1; then echo "ok $n - $description"; else
    echo "not ok $n - $description"; tail -n 20 "$scratch/log" | sed 's/^/# /'; fi
}

is_current() { lua5.4 scripts/packaging/rockspec.lua | diff -u eni6-scm-1.rockspec - && luarocks lint eni6-scm-1.rockspec; }

# The server is a folder; the user's home is empty. What Debian has need not be there.
make_server() {
  make -s rocks && mkdir "$scratch/server" "$scratch/home" && cp build/rocks/* "$scratch/server" || return 1
  cat >"$scratch/config.lua" <<'EOF'
rocks_provided = { lpeg = "1.0.2-1", dkjson = "2.5-3", argparse = "0.7.1-1" }
EOF
  chmod 755 "$scratch" && chmod -R a+rX "$scratch/server" "$scratch/config.lua"
  [ "$(id -u)" != 0 ] || chown 65534:65534 "$scratch/home"
}

as_user() { # as_user COMMAND...: in the home of somebody who is not root, nothing of ours in the environment
  unprivileged=
  [ "$(id -u)" != 0 ] || unprivileged="setpriv --reuid=65534 --regid=65534 --clear-groups"
  (cd "$scratch/home" && env -i PATH=/usr/bin:/bin HOME="$scratch/home" LUAROCKS_CONFIG="$scratch/config.lua" \
    $unprivileged "$@")
}

rocks() { version=$1; shift; as_user luarocks --lua-version="$version" --tree="$scratch/home/tree" "$@"; }

installs() { rocks $1 install --only-server="file://$scratch/server" eni6; }

loads() { # as after `luarocks path`
  eval "$(rocks $1 path | sed -n "s/^export \(LUA_C*PATH\)='\(.*\)'$/\1_ROCKS='\2'/p")"
  as_user env LUA_PATH="$LUA_PATH_ROCKS" LUA_CPATH="$LUA_CPATH_ROCKS" "lua$1" -e '
    local eni6 = require("eni6")
    assert(eni6.version:match("^%d+%.%d+%.%d+$"))
    assert(tostring(eni6.ip6.address("2001:db8::1")) == "2001:db8::1")
    assert(eni6.sigv4.new and eni6.http.new({}) and eni6.blocks.new)
    assert(require("eni6.aws.ec2").new)'
}

exported() { nm -D --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u; }

# What libeni6 exports stays inside of a module: a host that has another version of it
# would lend its own.
keeps_core_inside() {
  exported build/release/libeni6*.so.* >"$scratch/core"
  exported $(find "$scratch/home/tree/lib/lua" -name '*.so') >"$scratch/modules"
  [ "$(grep -c luaopen_ "$scratch/modules")" = 3 ] && ! comm -12 "$scratch/core" "$scratch/modules" | grep .
}

command_helps() { # by its name, and with its name
  for path in "$scratch/home/tree/bin/"eni6-*; do
    name=$(basename "$path")
    as_user "$path" --help >"$scratch/help" || return 1
    head -n 1 "$scratch/help" | grep -qi "usage: $name" || { cat "$scratch/help"; return 1; }
    ! grep -n 'lua scripts/' "$scratch/help" || return 1
  done
}

has_all_commands() {
  for script in scripts/*.lua; do [ -x "$scratch/home/tree/bin/eni6-$(basename $script .lua)" ] || return 1; done
}

provisions() {
  plan=$(find "$scratch/home/tree" -name two-instances.lua)
  as_user "$scratch/home/tree/bin/eni6-provision" "$plan" --sandbox --json >"$scratch/json" || return 1
  grep -q '"address":"2001:db8:47b:ca03::1:1"' "$scratch/json" && grep -q '"address":"2001:db8:47b:ca03::2:2"' "$scratch/json"
}

removes() { # all that is left is luarocks' own list of what is installed
  rocks $1 remove eni6 && [ -z "$(find "$scratch/home/tree" -type f ! -name manifest)" ]
}

# names_missing MODULE PACKAGE COMMAND...: without that module the command says what to install
names_missing() {
  module=$1; package=$2; shift 2
  echo "package.preload['$module'] = function() error(\"module '$module' not found:\", 0) end" >"$scratch/hide.lua"
  ! as_user env LUA_INIT="@$scratch/hide.lua" "$@" >"$scratch/missing" 2>&1 && grep -q "luarocks install" "$scratch/missing" && grep -q "apt-get install $package" "$scratch/missing" &&
    ! grep -q traceback "$scratch/missing" || { cat "$scratch/missing"; return 1; }
}

report "the rockspec lists what is on disk (else: make rockspec)" is_current
report "make rocks makes a server's folder" make_server
for version in 5.4 5.3; do
  report "luarocks install from the server, Lua $version" installs $version
  report "modules load from the tree, Lua $version" loads $version
  report "modules export no public function of the core, Lua $version" keeps_core_inside
  report "every script is a command, Lua $version" has_all_commands
  report "every command prints its help, Lua $version" command_helps
  report "eni6-provision rehearses a plan, Lua $version" provisions
  plan=$(find "$scratch/home/tree" -name two-instances.lua)
  bin=$scratch/home/tree/bin
  report "without argparse, Lua $version" names_missing argparse lua-argparse "$bin/eni6-provision" "$plan"
  report "without lpeg, Lua $version" names_missing lpeg lua-lpeg "$bin/eni6-provision" "$plan" --sandbox
  report "without dkjson, Lua $version" names_missing dkjson lua-dkjson "$bin/eni6-containers" list
  report "without lyaml, Lua $version" names_missing lyaml lua-yaml "$bin/eni6-aws" ec2 describe-subnets --cli-input-yaml 'Filters: []'
  report "without http, Lua $version" names_missing http.server lua-http "$bin/eni6-sandbox"
  report "luarocks remove leaves nothing, Lua $version" removes $version
done
echo "1..$n"
