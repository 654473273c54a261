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

# 2. A core module.
clang --target=wasm32-wasi -mexec-model=reactor -Os -I "$tmp" -Wl,--gc-sections -o "$tmp/core.wasm" \
  hello.c "$tmp/c_hello.c" "$tmp/c_hello_component_type.o"

# 3. A component. Functions keep their names, so that a trap's stack can be read.
wasm-tools component new "$tmp/core.wasm" --adapt wasi_snapshot_preview1=$jco/wasi_snapshot_preview1.reactor.wasm \
  -o "$tmp/whole.wasm"
wasm-tools strip --delete '^(\.debug.*|producers)$' "$tmp/whole.wasm" -o hello.wasm
