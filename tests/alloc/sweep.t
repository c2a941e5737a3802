#!/bin/sh
# The allocation-failure sweep over every script beside this one, for each Lua,
# with Lua's own allocations failing and then malloc's.
build=${ENI6_BUILD:-build/release}
n=0

# A server for the scripts that want an answer: at this socket, until its stdin ends.
directory=$(mktemp -d)
export ENI6_SWEEP_SOCKET=$directory/http.sock
mkfifo "$directory/stdin" "$directory/stdout"
/usr/bin/python3 tests/support/http_server.py --unix "$ENI6_SWEEP_SOCKET" \
  <"$directory/stdin" >"$directory/stdout" &
exec 9>"$directory/stdin"
read -r _ <"$directory/stdout"
trap 'exec 9>&-; wait; rm -rf "$directory"' EXIT

for version in 5.4 5.3; do
  export LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="$build/lua$version/?.so;;"
  for script in tests/alloc/*.lua; do
    for kind in lua malloc; do
      n=$((n + 1))
      output=$(timeout 120 "$build/tests/alloc/sweep-lua$version" $kind "$script" 2>&1)
      status=$?
      if [ $status = 0 ]; then
        echo "$output" | sed -n "s/^ok 1 - /ok $n - Lua $version /p"
      else
        echo "not ok $n - Lua $version $kind $script: exit status $status"
        echo "$output" | tail -n 20 | sed 's/^/# /'
      fi
    done
  done
done
echo "1..$n"
