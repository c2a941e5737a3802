#!/bin/sh
# Makes this tree ready to configure the machine that it is on, as root: installs
# what is missing from the distribution and builds. Prints the name of the Lua
# interpreter that it is built for; all else goes to standard error.
set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

missing() {
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || echo "$package"
  done
}

get() { DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@" >&2 </dev/null; }

# A second try goes over IPv6, to the archive itself: EC2's regional mirrors may
# have no IPv6 address. The machine's own list of sources stays as it is.
get_over_ipv6() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    sed 's,//[a-z0-9-]*\.\(ec2\|clouds\)\.archive\.ubuntu\.com,//archive.ubuntu.com,' >"$scratch/sources.list"
  only="-o Dir::Etc::sourcelist=$scratch/sources.list -o Dir::Etc::sourceparts=/dev/null"
  [ -s "$scratch/sources.list" ] || only=
  get -o Acquire::ForceIPv6=true $only update
  get -o Acquire::ForceIPv6=true $only install --no-install-recommends "$@"
}

install() {
  absent=$(missing "$@")
  [ -z "$absent" ] && return 0
  echo "installing:" $absent >&2
  { get update && get install --no-install-recommends $absent; } || get_over_ipv6 $absent
}

# The newest Lua for which the distribution has all that is needed.
for version in 5.4 5.3; do
  install make gcc libc6-dev pkg-config libssl-dev libcurl4-openssl-dev libexpat1-dev lua-lpeg lua-dkjson \
    lua-argparse "lua$version" "liblua$version-dev" || continue
  "lua$version" -e 'require "lpeg" require "dkjson" require "argparse"' >&2 || continue
  make -s -j2 all LUA_VERSIONS="$version" PACKAGES_BUILD= >&2 </dev/null
  echo "lua$version"
  exit 0
done
echo "the distribution has no Lua 5.4 or 5.3 with lpeg, dkjson, lyaml and argparse" >&2
exit 1
