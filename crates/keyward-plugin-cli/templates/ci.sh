#!/bin/sh
# Checks a change. Run it in continuous integration and by hand.
set -eu
cd "$(dirname "$0")"

cargo clippy --all-targets -- --deny warnings
cargo test
{build}
keyward plugin check --json{check} {file} >report.json
