#!/bin/sh
# Makes cors.wasm of src/lib.rs. It needs Rust with the target wasm32-wasip2 (rustup target add wasm32-wasip2) and
# wasm-tools (cargo install wasm-tools@1.263.0).
set -eu
cd "$(dirname "$0")"
trap 'rm -rf wit' EXIT
mkdir wit
cp world.wit wit
cp -r ../../node_modules/@bytecodealliance/jco/lib/wit/builtin/0.3.0 wit/deps
cargo build --release --locked --target wasm32-wasip2 --target-dir "${CARGO_TARGET_DIR:-target}"
wasm-tools strip --delete '^(\.debug.*|producers)$' "${CARGO_TARGET_DIR:-target}/wasm32-wasip2/release/cors.wasm" -o cors.wasm
