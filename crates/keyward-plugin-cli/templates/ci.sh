#!/bin/sh
# Checks a change. Run it in continuous integration and by hand.
set -eu
cd "$(dirname "$0")"

cargo clippy --all-targets -- --deny warnings
cargo test
keyward plugin build --output target/plugins
keyward plugin check --json{check} target/plugins/{library} >report.json
