#!/bin/sh
# The C library as other programs meet it: installed into a scratch folder, found by
# pkg-config, and looked at with nm.
build=${ENI6_BUILD:-build/release}
version=$(sed -n 's/^#define ENI6_VERSION "\(.*\)"/\1/p' core/eni6.h)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/usr
n=0
report() { # report DESCRIPTION COMMAND...
  n=$((n + 1)); description=$1; shift
  if "$@" >"$scratch/log" 2>&1; then echo "ok $n - $description"; else
    echo "not ok $n - $description"; tail -n 20 "$scratch/log" | sed 's/^/# /'; fi
}

STRICT="-pedantic -Wall -Wextra -Werror"
flags() { PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config "$@"; }

installs() {
  for lua in 5.3 5.4; do make -s install PREFIX="$prefix" LUA_VERSION=$lua || return 1; done
}

# provision.lua --configure brings these folders alone, and has the modules built.
builds_without_packaging() {
  mkdir "$scratch/source" && cp -r Makefile core lua scripts "$scratch/source" &&
    rm -r "$scratch/source/scripts/packaging" &&
    make -s -n -C "$scratch/source" all PACKAGES_BUILD= >"$scratch/plan" && grep -q core.so "$scratch/plan" &&
    ! grep libeni6.so "$scratch/plan"
}

# --- headers --------------------------------------------------------------------------

header_alone() { # header_alone COMPILER LANGUAGE FLAGS...: each by itself, no other folder searched
  compiler=$1; language=$2; shift 2
  for header in "$prefix"/include/eni6/*.h; do
    printf '#include <eni6/%s>\nint main(void) { return 0; }\n' "$(basename "$header")" |
      $compiler "$@" $STRICT -fsyntax-only -I"$prefix/include" $(flags --cflags-only-I lua5.4) -x "$language" - || return 1
  done
}

cxx_program() { # links what the headers declare: their names are not mangled
  cat >"$scratch/program.cc" <<'EOF'
#include <eni6/blocks.h>
#include <eni6/http.h>
#include <eni6/sigv4.h>
#include <eni6/xml.h>
#include <cstring>
int main() {
  eni6_text body = ENI6_TEXT("<a/>");
  eni6_xml *xml;
  eni6_http *http;
  eni6_error error;
  if (eni6_xml_read(&xml, body.data, body.size, &error) < 0) return 1;
  eni6_xml_free(xml);
  if (eni6_http_open(&http, 0, &error) < 0) return 1;
  eni6_http_close(http);
  return std::strcmp(eni6_version(), ENI6_VERSION);
}
EOF
  g++ -std=c++11 $STRICT "$scratch/program.cc" -o "$scratch/program" $(flags --cflags --libs eni6 eni6-http eni6-xml) &&
    LD_LIBRARY_PATH="$prefix/lib" "$scratch/program"
}

# --- symbols --------------------------------------------------------------------------

# The functions between ENI6_PUBLIC_BEGIN and _END; an inline one is nobody's symbol.
declared() {
  for header in core/*.h; do
    sed -n '/^ENI6_PUBLIC_BEGIN/,/^ENI6_PUBLIC_END/p' "$header"
  done | sed 's,/\*.*\*/,,' | grep -v '^ \*\|^  \|^/\*\|^static\|^#' |
    grep -o 'eni6_[a-z0-9_]*(' | tr -d '(' | sort -u
}

exports_what_is_declared() {
  declared >"$scratch/declared"
  for library in eni6 eni6-http eni6-xml; do nm -D --defined-only "$prefix/lib/lib$library.so"; done |
    awk '{ print $3 }' | sort >"$scratch/exported"
  [ "$(wc -l <"$scratch/exported")" -gt 100 ] && diff "$scratch/declared" "$scratch/exported"
}

is_prefixed() { # of the static libraries' symbols too, and those of the bindings
  others=$(nm --defined-only --extern-only "$prefix"/lib/*.a | awk 'NF == 3 { print $3 }' |
    grep -v '^eni6_\|^eni6L_\|^luaopen_eni6_core')
  [ -z "$others" ] || { echo "$others"; return 1; }
}

module_exports_opener() {
  for lua in 5.3 5.4; do
    for name in core core/http core/xml; do
      exported=$(nm -D --defined-only "$prefix/lib/lua/$lua/eni6/$name.so" | awk '{ print $3 }')
      [ "$exported" = "luaopen_eni6_$(echo $name | tr / _)" ] || { echo "$lua $name: $exported"; return 1; }
    done
  done
}

has_no_writable_globals() { # what is constant once it is relocated is in .data.rel.ro
  for archive in "$prefix"/lib/*.a; do
    objdump -h "$archive" | awk '$2 ~ /^\.(data|bss|tdata|tbss)/ && $2 !~ /^\.data\.rel\.ro/ && $3 !~ /^0+$/'
    nm "$archive" | grep ' [Cc] '
  done >"$scratch/writable"
  [ ! -s "$scratch/writable" ] || { cat "$scratch/writable"; return 1; }
}

# Loading runs nothing: there is no constructor but the compiler's own.
has_no_init_call() {
  for archive in "$prefix"/lib/*.a; do objdump -h "$archive" | grep -E '\.(init_array|ctors|fini_array)'; done >"$scratch/init"
  [ ! -s "$scratch/init" ] || { cat "$scratch/init"; return 1; }
}

has_soname() {
  abi=$(echo "$version" | sed 's/^\(0\.[0-9]*\).*/\1/; s/^\([1-9][0-9]*\)\..*/\1/')
  for library in eni6 eni6-http eni6-xml; do
    readelf -d "$prefix/lib/lib$library.so" | grep -q "SONAME.*\[lib$library.so.$abi\]" &&
      [ -f "$prefix/lib/lib$library.so.$version" ] && [ "$(flags --modversion $library)" = "$version" ] || return 1
  done
}

# needs LIBRARY NAME...: the other libraries that it names are these
needs() {
  library=$1; shift
  found=$(readelf -d "$prefix/lib/lib$library.so" | sed -n 's/.*NEEDED.*\[lib\([a-z0-9-]*\)\.so.*/\1/p' | sort | tr '\n' ' ')
  [ "$found" = "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" ] || { echo "$library needs $found"; return 1; }
}

# --- examples -------------------------------------------------------------------------

compiles() { # compiles EXAMPLE FLAGS...
  example=$1; shift
  gcc -std=c11 $STRICT "scripts/examples/$example.c" -o "$scratch/$example" "$@"
}

signs_as_botocore() {
  export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY AWS_SESSION_TOKEN=$1
  uri='/a%20b/../c?Version=2016-11-15&Action=DescribeRegions&x='
  LD_LIBRARY_PATH="$prefix/lib" "$scratch/sign" GET "$uri" ec2.us-east-1.amazonaws.com us-east-1 ec2 >"$scratch/headers" &&
    /usr/bin/python3 tests/oracle/sign_headers.py "$uri" us-east-1 ec2 <"$scratch/headers"
}

allocates() {
  LD_LIBRARY_PATH="$prefix/lib" "$scratch/allocate" 2001:db8::/64 126 3 2001:db8::/125 2001:db8::c/126 >"$scratch/blocks" &&
    printf '%s\n' 2001:db8::8/126 2001:db8::10/126 2001:db8::14/126 | diff - "$scratch/blocks" &&
    ! LD_LIBRARY_PATH="$prefix/lib" "$scratch/allocate" 2001:db8::/126 126 2 2>"$scratch/full" &&
    grep -q '2001:db8::/126 is full (ENOSPC)' "$scratch/full"
}

links_statically() { # no library of eni6's at run time
  compiles allocate $(flags --cflags eni6) -l:libeni6.a $(flags --libs-only-L eni6) -lcrypto &&
    ! ldd "$scratch/allocate" | grep eni6 && "$scratch/allocate" 2001:db8::/64 64 1
}

# --- a static host of Lua -----------------------------------------------------------------

static_host() { # static_host VERSION: every Lua part, with the bindings in the program itself
  gcc -std=c11 $STRICT tests/embed/static_host.c -o "$scratch/static_host" $(flags --cflags --libs eni6-lua$1) || return 1
  modules=$(cd lua && find eni6 -name '*.lua' | sed 's/\.lua$//; s,/init$,,; s,/,.,g' | LC_ALL=C sort)
  ! ldd "$scratch/static_host" | grep eni6 && (cd / && "$scratch/static_host" "$prefix/share/lua/$1" $modules)
}

report "make install, for Lua 5.3 and 5.4" installs
report "the modules build without the packagers' part" builds_without_packaging
report "each header compiles alone as C11" header_alone gcc c -std=c11
report "each header compiles alone as C++11" header_alone g++ c++ -std=c++11
report "a C++ program links" cxx_program
report "the shared libraries export what the headers declare, and nothing else" exports_what_is_declared
report "every symbol is prefixed" is_prefixed
report "a Lua module exports its opener alone" module_exports_opener
report "no writable globals" has_no_writable_globals
report "nothing runs on loading" has_no_init_call
report "soname, file and pkg-config have the header's version" has_soname
report "libeni6 needs libcrypto" needs eni6 crypto c
report "libeni6-http needs libcurl" needs eni6-http eni6 curl c
report "libeni6-xml needs expat" needs eni6-xml eni6 expat c
report "scripts/examples/sign.c compiles" compiles sign $(flags --cflags --libs eni6)
report "scripts/examples/sign.c signs as botocore does" signs_as_botocore ""
report "scripts/examples/sign.c with a session token" signs_as_botocore "FwoGZXIvYXdzEXAMPLE//token+=="
report "scripts/examples/allocate.c compiles" compiles allocate $(flags --cflags --libs eni6)
report "scripts/examples/allocate.c hands out the lowest free blocks" allocates
report "scripts/examples/allocate.c links with the static library" links_statically
for lua in 5.4 5.3; do report "a host with eni6 linked in loads every part, Lua $lua" static_host $lua; done
echo "1..$n"
