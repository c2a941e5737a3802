#!/bin/sh
# scripts/examples/lighttpd in the real program: a service that hands out blocks of addresses.
scratch=$(mktemp -d)
n=0
report() { # report DESCRIPTION COMMAND...
  n=$((n + 1)); description=$1; shift
  if "$@" >"$scratch/log" 2>&1; then echo "ok $n - $description"; else
    echo "not ok $n - $description"; tail -n 20 "$scratch/log" "$scratch/lighttpd.log" | sed 's/^/# /'; fi
}

server=
trap '[ -z "$server" ] || kill $server; wait; rm -rf "$scratch"' EXIT

# The example, on a socket in the file system.
sed "s,^server.bind = .*,server.bind = \"$scratch/http\",; /^server.port/d; s,\"blocks.lua\",\"$PWD/scripts/examples/lighttpd/blocks.lua\"," \
  scripts/examples/lighttpd/lighttpd.conf >"$scratch/lighttpd.conf"

starts() {
  POOL=2001:db8::/112 LUA_PATH="$PWD/lua/?.lua;;" LUA_CPATH="$PWD/build/release/lua5.4/?.so;;" \
    lighttpd -D -f "$scratch/lighttpd.conf" >"$scratch/lighttpd.log" 2>&1 &
  server=$!
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -S "$scratch/http" ] && return 0; sleep 0.2; done
  return 1
}

# ask STATUS TEXT CURL'S ARGUMENTS...: the answer has this status, and text that matches
ask() {
  status=$1; text=$2; shift 2
  found=$(curl -s --unix-socket "$scratch/http" -o "$scratch/answer" -w '%{http_code}' "$@")
  [ "$found" = "$status" ] && grep -qx "$text" "$scratch/answer" || { echo "$found"; cat "$scratch/answer"; return 1; }
}
url=http://pool/blocks

hands_out() {
  ask 201 2001:db8::/126 -d '' "$url?length=126" && ask 201 2001:db8::8/125 -d '' "$url?length=125" &&
    ask 201 2001:db8::4/126 -d '' "$url?length=126" && ask 200 2001:db8::8/125 "$url"
}
takes_back() {
  ask 200 released -X DELETE "$url/2001:db8::8/125" && ask 404 '.*' -X DELETE "$url/2001:db8::8/125" &&
    ask 201 2001:db8::8/126 -d '' "$url?length=126"
}
refuses() {
  ask 400 'length must be from 112 to 128' -d '' "$url?length=64" && ask 400 'length must be.*' -d '' "$url" &&
    ask 400 '.*' -X DELETE "$url/nonsense" && ask 404 'POST.*' http://pool/other
}
COUNT=3000
echo >"$scratch/body"
carries_load() { h2load --h1 -n $COUNT -c 8 -B "unix:$scratch/http" -d "$scratch/body" "$url?length=128"; }
no_address_twice() {
  grep -q "status codes: $COUNT 2xx" "$scratch/load" || { cat "$scratch/load"; return 1; }
  curl -s --unix-socket "$scratch/http" "$url" >"$scratch/taken"
  [ "$(grep -c /128 "$scratch/taken")" = $COUNT ] && [ -z "$(sort "$scratch/taken" | uniq -d)" ]
}
is_full() { # 112 bits: no block of that size is left beside the others
  ask 507 '.*2001:db8::/112.*' -d '' "$url?length=112"
}

report "lighttpd starts with the example" starts
report "blocks are handed out, the lowest first" hands_out
report "and taken back" takes_back
report "what makes no sense is refused" refuses
report "$COUNT requests on 8 connections" carries_load
cp "$scratch/log" "$scratch/load"
report "no address was handed out twice" no_address_twice
report "a pool without room says so" is_full
report "lighttpd had no complaint" sh -c "! grep -iE 'error|lua|\\(mod_magnet' '$scratch/lighttpd.log'"
echo "1..$n"
