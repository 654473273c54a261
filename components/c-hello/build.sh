#!/bin/sh
# Makes hello.wasm of hello.c. Needs, besides this project's node_modules:
#   apt-get install clang lld wasi-libc                    (clang 14 made the one beside this file)
#   cargo install wasm-tools@1.263.0 wit-bindgen-cli@0.63.0
set -eu
cd "$(dirname "$0")"
jco=../../node_modules/@bytecodealliance/jco/lib
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT

# 1. C bindings for the world, with short names for the three interfaces that it speaks to.
mkdir "$tmp/wit"
cp world.wit "$tmp/wit"
cp -r $jco/wit/builtin/0.2.12 "$tmp/wit/deps"
wit-bindgen c "$tmp/wit" --out-dir "$tmp" \
  --rename wasi:http/types@0.2.12=http \
  --rename wasi:http/incoming-handler@0.2.12=handler \
  --rename wasi:io/streams@0.2.12=io

# 2. A core module. Compiled and linked apart: in one step with -Os, clang would run wasm-opt where it is installed, which
#    drops the names of functions, and with them a readable stack after a trap.
target=--target=wasm32-wasi
clang $target -Os -I "$tmp" -c hello.c -o "$tmp/hello.o"
clang $target -Os -I "$tmp" -c "$tmp/c_hello.c" -o "$tmp/c_hello.o"
clang $target -mexec-model=reactor -Wl,--gc-sections -o "$tmp/core.wasm" \
  "$tmp/hello.o" "$tmp/c_hello.o" "$tmp/c_hello_component_type.o"

# 3. A component, without what is for debuggers and linkers.
wasm-tools component new "$tmp/core.wasm" --adapt wasi_snapshot_preview1=$jco/wasi_snapshot_preview1.reactor.wasm \
  -o "$tmp/whole.wasm"
wasm-tools strip --delete '^(\.debug.*|producers)$' "$tmp/whole.wasm" -o hello.wasm
