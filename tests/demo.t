#!/bin/sh
# The demo, as `make demo` runs it: the published addresses, both pings, nothing left.
output=$(lua5.4 tests/demo.lua 2>&1)
status=$?
n=0
has() { # has DESCRIPTION TEXT
  n=$((n + 1))
  if printf '%s' "$output" | grep -qF -- "$2"; then echo "ok $n - $1"; else
    echo "not ok $n - $1"; printf '%s\n' "$output" | grep -v '^$' | tail -n 60 | sed 's/^/# /'; fi
}
has "instance-1 has the published address and block" "2001:db8:47b:ca03::1:1  2001:db8:47b:ca03::8/126"
has "instance-2 has the published address and block" "2001:db8:47b:ca03::2:2  2001:db8:47b:ca03::c/126"
if printf '%s' "$output" | grep -q "rehearses the API only"; then
  n=$((n + 1)); echo "ok $n - containers # SKIP $(printf '%s' "$output" | sed -n 's/^This rehearses the API only: //p')"
else
  has "the first container has ::a" "container 2001:db8:47b:ca03::a/126"
  has "the second container has ::e" "container 2001:db8:47b:ca03::e/126"
  has "they ping each other" "64 bytes from 2001:db8:47b:ca03::e: seq=1"
  has "the other way around, too" "64 bytes from 2001:db8:47b:ca03::a: seq=1"
  has "the container's default route is the bridge" "default via 2001:db8:47b:ca03::9 dev eth0"
  has "all is taken away" "4 taken away."
fi
n=$((n + 1))
if [ $status = 0 ]; then echo "ok $n - it succeeds"; else echo "not ok $n - exit status $status"; fi
echo "1..$n"
