#!/bin/bash
# scripts/examples/haproxy in the real program: a plain HTTP client, HAProxy with two threads and
# its limit on Lua's memory, and the sandbox, which refuses what is not signed right.
scratch=$(mktemp -d)
n=0
report() { # report DESCRIPTION COMMAND...
  n=$((n + 1)); description=$1; shift
  if "$@" >"$scratch/log" 2>&1; then echo "ok $n - $description"; else
    echo "not ok $n - $description"; tail -n 20 "$scratch/log" "$scratch/haproxy.log" | sed 's/^/# /'; fi
}

mkfifo "$scratch/stdin"
LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" lua5.4 scripts/sandbox.lua --die-with-stdin --quiet \
  <"$scratch/stdin" >"$scratch/exports" 2>"$scratch/sandbox.log" &
exec 9>"$scratch/stdin"
proxy=
trap 'exec 9>&-; [ -z "$proxy" ] || kill $proxy; wait; rm -rf "$scratch"' EXIT
until grep -qs ready "$scratch/exports"; do
  tries=$((tries + 1)); [ $tries -lt 300 ] || { echo "Bail out! no sandbox"; cat "$scratch/sandbox.log"; exit 1; }
  sleep 0.1
done
eval "$(grep ^export "$scratch/exports")"
endpoint=${AWS_ENDPOINT_URL#http://}

# The example, with this tree's modules, on a socket in the file system, and the sandbox in EC2's place.
cat >"$scratch/modules.cfg" <<EOF
global
    lua-prepend-path $PWD/lua/?.lua
    lua-prepend-path $PWD/lua/?/init.lua
    lua-prepend-path $PWD/build/release/lua5.3/?.so cpath
EOF
sed "s,bind 127.0.0.1:8080,bind $scratch/http,; s,server ec2 .*,server ec2 $endpoint,; s,/tmp/eni6-haproxy.sock,$scratch/sock,
  s,lua-load-per-thread ,&$PWD/scripts/examples/haproxy/," scripts/examples/haproxy/haproxy.cfg >"$scratch/haproxy.cfg"

write_credentials() { # replaced at once, as the example says
  printf '%s\n%s\n' "$AWS_ACCESS_KEY_ID" "$1" >"$scratch/new" && mv "$scratch/new" "$scratch/credentials"
}

ask() { /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
print(b"".join(iter(lambda: s.recv(65536), b"")).decode())' "$scratch/sock" "$1"; }

starts() {
  write_credentials "$AWS_SECRET_ACCESS_KEY"
  AWS_HOST=$endpoint AWS_REGION=us-east-1 CREDENTIALS=$scratch/credentials \
    haproxy -f "$scratch/modules.cfg" -f "$scratch/haproxy.cfg" >"$scratch/haproxy.log" 2>&1 9>&- &
  proxy=$!
  for _ in $(seq 100); do [ -S "$scratch/http" ] && return 0; sleep 0.1; done
  return 1
}

QUERY='Action=DescribeKeyPairs&Version=2016-11-15'
url=http://proxy
status_of() { curl -s --unix-socket "$scratch/http" -o "$scratch/answer" -w '%{http_code}' "$@"; }
answers() { [ "$(status_of "$@")" = 200 ] && grep -q DescribeKeyPairsResponse "$scratch/answer" || { cat "$scratch/answer"; return 1; }; }

signs_anything() { # bodies, encoded paths, headers that the signer sets itself, headers of AWS
  answers "$url/?$QUERY" && answers -d "$QUERY" "$url/" && answers "$url/?$QUERY&Filter.1.Name=key-name&Filter.1.Value.1=a%20b%2Fc" &&
    answers -H 'Authorization: none' -H 'X-Amz-Date: 19700101T000000Z' -H 'X-Amz-Security-Token: x' "$url/?$QUERY" &&
    answers -H 'x-amz-meta-a: one' -H 'x-amz-meta-a: two' "$url/?$QUERY"
}

refuses_large_bodies() {
  head -c 200000 /dev/zero >"$scratch/large" && [ "$(status_of --data-binary "@$scratch/large" "$url/")" = 413 ]
}

rotates() { # a second after the file has changed, in every thread; no restart
  answers "$url/?$QUERY" && write_credentials wrong && sleep 1.5 || return 1
  for _ in 1 2 3 4 5 6; do [ "$(status_of "$url/?$QUERY")" = 401 ] || [ "$(status_of "$url/?$QUERY")" = 403 ] || return 1; done
  : >"$scratch/new" && mv "$scratch/new" "$scratch/credentials" && sleep 1.2
  write_credentials "$AWS_SECRET_ACCESS_KEY" && sleep 1.5
  for _ in 1 2 3 4 5 6; do answers "$url/?$QUERY" || return 1; done
}

COUNT=10000
carries_load() {
  h2load --h1 -n $COUNT -c 16 -B "unix:$scratch/http" "$url/?$QUERY" && [ -z "$(kill -0 $proxy 2>&1)" ]
}
all_accepted() { grep -q "status codes: $COUNT 2xx, 0 3xx, 0 4xx, 0 5xx" "$scratch/load"; }

# What HAProxy says of itself: averages over the last 1024 requests, and of a turn of its loop.
statistics() {
  ask "show stat" | /usr/bin/python3 -c '
import csv, sys
for row in csv.DictReader(line.lstrip("# ") for line in sys.stdin):
    if row["svname"] == "BACKEND":
        print("# HAProxy: {hrsp_2xx} answers 2xx, {hrsp_5xx} 5xx; ms queued {qtime}, to connect {ctime}, "
              "to answer {rtime}, in all {ttime}".format(**row))'
  ask "show activity" | sed -n 's/^avg_loop_us: /# HAProxy: microseconds of a turn of its loop (all; each thread): /p'
}

report "HAProxy starts with the example" starts
report "requests of all kinds are signed as the sandbox wants them" signs_anything
report "a body larger than HAProxy's buffer is refused" refuses_large_bodies
report "keys rotate without a restart" rotates
report "$COUNT requests on 16 connections" carries_load
cp "$scratch/log" "$scratch/load"
report "none of them was refused" all_accepted
sed -n 's/^time for request: */# h2load: time for request, min max mean sd: /p' "$scratch/load"
statistics
report "HAProxy had no complaint" sh -c "! grep -iE 'alert|warning|lua.*error|panic' '$scratch/haproxy.log' | grep -v 'sign: '"
echo "1..$n"
