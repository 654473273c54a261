#!/bin/sh
# Makes gate.wasm of gate.c, with the tools that ../c-hello/build.sh names.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT

mkdir "$tmp/wit"
cp world.wit "$tmp/wit"
cp -r ../../node_modules/@bytecodealliance/jco/lib/wit/builtin/0.3.0 "$tmp/wit/deps"
wit-bindgen c "$tmp/wit" --out-dir "$tmp" \
  --rename wasi:http/types@0.3.0=http \
  --rename wasi:http/handler@0.3.0=handler \
  --rename wasi:cli/environment@0.3.0=env

target=--target=wasm32-wasi
clang $target -Os -I "$tmp" -c gate.c -o "$tmp/gate.o"
clang $target -Os -I "$tmp" -c "$tmp/gate.c" -o "$tmp/bindings.o"
clang $target -mexec-model=reactor -Wl,--gc-sections -o "$tmp/core.wasm" \
  "$tmp/gate.o" "$tmp/bindings.o" "$tmp/gate_component_type.o"

wasm-tools component new "$tmp/core.wasm" -o "$tmp/whole.wasm"
wasm-tools strip --delete '^(\.debug.*|producers)$' "$tmp/whole.wasm" -o gate.wasm
