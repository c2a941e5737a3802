#!/bin/sh
# Every fuzzer for SECONDS_EACH seconds: the libFuzzer programs that
# `make fuzzers` builds of tests/fuzz/fuzz_*.c, and tests/fuzz/*.lua, which read
# how long to go on from SECONDS and where to start from SEED. Without a SEED the
# run is the same each time, so that a check fails for what was changed; `make
# fuzz` starts anew. New inputs stay in build/fuzz/corpus; what breaks a fuzzer
# goes to build/fuzz/found.
seconds=${SECONDS_EACH:-3}
SEED=${SEED:-1}
export SEED
number=0

# report NAME COMMAND...: runs it, one line of TAP.
report() {
  name=$1
  shift
  number=$((number + 1))
  if "$@" >"build/fuzz/$name.log" 2>&1; then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name: exit status $?"
    tail -n 40 "build/fuzz/$name.log" | sed 's/^/# /'
  fi
}

make -s -j2 fuzzers || exit 1
mkdir -p build/fuzz/found
for source in tests/fuzz/fuzz_*.c; do
  name=$(basename "$source" .c)
  grown=build/fuzz/corpus/${name#fuzz_}
  seeds=tests/fuzz/corpus/${name#fuzz_}
  mkdir -p "$grown"
  [ -d "$seeds" ] || seeds=
  report "$name" "build/fuzz/$name" -seed="$SEED" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/found/$name-" "$grown" $seeds
done

LUA_PATH="lua/?.lua;lua/?/init.lua;tests/?.lua;;"
LUA_CPATH="build/release/lua5.4/?.so;;"
export LUA_PATH LUA_CPATH
for script in tests/fuzz/*.lua; do
  [ -e "$script" ] || continue
  report "$(basename "$script")" env SECONDS="$seconds" lua5.4 "$script"
done
echo "1..$number"
