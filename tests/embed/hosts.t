#!/bin/sh
# Hosts in C that are hard on a library: many threads under ThreadSanitizer, states that
# come and go, too little memory, and all that hosts do wrong. Against a sandbox and a
# server of their own; ASan's builds too, where they are there.
scratch=$(mktemp -d)
n=0
report() { # report DESCRIPTION COMMAND...
  n=$((n + 1)); description=$1; shift
  if timeout 180 "$@" >"$scratch/log" 2>&1; then echo "ok $n - $description$(sed -n 's/^# /: /p' "$scratch/log" | head -n 1)"; else
    echo "not ok $n - $description"; tail -n 30 "$scratch/log" | sed 's/^/# /'; fi
}
export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;"

# The servers end with their standard input.
mkfifo "$scratch/stdin"
lua5.4 scripts/sandbox.lua --die-with-stdin --quiet <"$scratch/stdin" >"$scratch/exports" 2>"$scratch/sandbox.log" &
/usr/bin/python3 tests/support/http_server.py <"$scratch/stdin" >"$scratch/port" &
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 1 -keyout "$scratch/key" \
  -out "$scratch/certificate" 2>"$scratch/openssl.log"
/usr/bin/python3 tests/support/http_server.py --tls "$scratch/certificate" "$scratch/key" <"$scratch/stdin" >"$scratch/tls-port" &
exec 9>"$scratch/stdin"
trap 'exec 9>&-; wait; rm -rf "$scratch"' EXIT
tries=0
until grep -qs ready "$scratch/exports" && [ -s "$scratch/port" ] && [ -s "$scratch/tls-port" ]; do
  tries=$((tries + 1)); [ $tries -lt 300 ] || { echo "Bail out! no servers"; cat "$scratch/sandbox.log"; exit 1; }
  sleep 0.1
done
eval "$(grep ^export "$scratch/exports")"
url=http://127.0.0.1:$(cat "$scratch/port")
sandbox="$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY"

threads=build/thread/tests/embed/threads-lua5.4
report "the host of many threads builds with ThreadSanitizer" make -s SANITIZE=thread LUA_VERSIONS=5.4 $threads
# Nothing is suppressed: Lua, libcurl and OpenSSL are as Debian builds them.
report "16 states on 8 threads sign, allocate, read links and call EC2, some of it over TLS, under TSan" \
  env TSAN_OPTIONS=halt_on_error=1 $threads 8 tests/embed/worker.lua $sandbox "https://127.0.0.1:$(cat "$scratch/tls-port")"

count=10000
for lua in 5.4 5.3; do
  host=build/release/tests/embed
  report "states made and closed, Lua $lua" $host/states-lua$lua flat $count tests/embed/visit.lua
  report "states that run a whole program, Lua $lua" $host/states-lua$lua flat 50 tests/embed/program.lua $sandbox
  report "a whole program with too little memory, Lua $lua" $host/states-lua$lua cap 120 tests/embed/program.lua $sandbox
  report "bad hosts, Lua $lua" $host/bad_hosts-lua$lua tests/embed/bad_hosts.lua $url
  count=2000
done
host=build/address-undefined/tests/embed
if [ -x $host/states-lua5.4 ]; then
  report "a whole program with too little memory, under ASan" $host/states-lua5.4 cap 40 tests/embed/program.lua $sandbox
  # Its frames are larger than the stacks of two cases.
  report "bad hosts, under ASan" $host/bad_hosts-lua5.4 tests/embed/bad_hosts.lua $url close drop raise fork theft pipe
fi
valgrind="valgrind -q --error-exitcode=1 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
host=build/release/tests/embed
report "valgrind: states" $valgrind $host/states-lua5.4 cap 3 tests/embed/visit.lua
# Not the fork: its child leaves alone what libcurl has, which counts as lost there.
report "valgrind: bad hosts" $valgrind $host/bad_hosts-lua5.4 tests/embed/bad_hosts.lua $url close drop raise theft
echo "1..$n"
