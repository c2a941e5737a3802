#!/bin/sh
# luacheck and clang-format over the tracked sources, as TAP.
report() {
  if output=$(eval "$2" 2>&1); then echo "ok $1"; else echo "not ok $1"; echo "$output" | tail -n 40 | sed 's/^/# /'; fi
}
report "1 - luacheck" "luacheck -q --no-color \$(git ls-files '*.lua')"
report "2 - clang-format" "clang-format --dry-run --Werror \$(git ls-files 'core/*.[ch]' 'tests/*.[ch]' 'scripts/examples/*.[ch]')"
echo "1..2"
