#!/bin/sh
# `make install`: what lands below DESTDIR, the commands run from there, their manual
# pages are in order.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
n=0
report() { # report DESCRIPTION COMMAND...
  n=$((n + 1)); description=$1; shift
  if "$@" >"$scratch/log" 2>&1; then echo "ok $n - $description"; else
    echo "not ok $n - $description"; tail -n 20 "$scratch/log" | sed 's/^/# /'; fi
}
root=$scratch/root
prefix=$scratch/usr

installs_staged() { # nothing lands outside of DESTDIR, and DESTDIR is named in no file
  make -s install DESTDIR="$root" PREFIX="$prefix" LUA_VERSION=5.3 && [ ! -e "$prefix" ] &&
    ! grep -rIl "$root" "$root" && mv "$root$prefix" "$prefix"
}

installs_again() { make -s install PREFIX="$prefix" LUA_VERSION=5.3 && make -s install PREFIX="$prefix" LUA_VERSION=5.3; }

lints() { # manual pages: mandoc's and groff's warnings are failures
  for script in scripts/*.lua; do
    page=$prefix/share/man/man1/eni6-$(basename "$script" .lua).1
    mandoc -T lint -W warning "$page" || return 1
    complaints=$(LC_ALL=C.UTF-8 man --warnings -l "$page" 2>&1 >"$scratch/page") && [ -z "$complaints" ] || { echo "$complaints"; return 1; }
    grep -q 'EXIT STATUS\|DESCRIPTION' "$scratch/page" && ! grep 'lua scripts/' "$scratch/page" || return 1
  done
}

commands_help() { # in an empty environment, from another folder
  for script in scripts/*.lua; do
    name=eni6-$(basename "$script" .lua)
    (cd / && env -i PATH=/usr/bin:/bin "$prefix/bin/$name" --help) | head -n 1 | grep -qi "usage: $name" || { echo "$name"; return 1; }
  done
}

provisions() { # the script starts another, which finds the modules as well
  (cd / && env -i PATH=/usr/bin:/bin "$prefix/bin/eni6-provision" "$prefix/share/eni6/scripts/plans/two-instances.lua" \
    --sandbox --json) | grep -q '"address":"2001:db8:47b:ca03::2:2"'
}

finds_modules_alone() { # as the watchdog and systemd start it: no wrapper, no environment
  (cd / && env -i PATH=/usr/bin:/bin lua5.3 "$prefix/share/eni6/scripts/configure.lua" --help) | grep -q 'Usage: configure.lua'
}

report "make install below DESTDIR, Lua 5.3" installs_staged
report "again, over what is there" installs_again
report "every command prints its help" commands_help
report "eni6-provision rehearses a plan" provisions
report "a script finds the modules without its wrapper" finds_modules_alone
report "the manual pages are in order" lints
echo "1..$n"
