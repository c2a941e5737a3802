#!/bin/sh
# What `make demo` shows: the published two instances, provisioned on a sandbox.
set -eu
cd "$(dirname "$0")/.."
plan=scripts/plans/two-instances.lua
picture=build/two-instances.svg

echo "The plan, $plan:"
echo
sed -n '/^return/,$p' "$plan" | sed 's/^/    /'
echo
echo "lua scripts/provision.lua $plan --sandbox --diagram $picture"
echo
lua5.4 scripts/provision.lua "$plan" --sandbox --diagram "$picture"
cat <<END

Where to go next:
  $picture                                        the picture of it
  scripts/plans/                                                plans to start from
  lua scripts/provision.lua $plan --dry-run   with your own account and subnet
  lua scripts/provision.lua --help
END
