#!/bin/sh
# tap NAME PROGRAM... OPERATION: runs a credential helper for git, and records its input and output.
name=$1
shift
for operation; do :; done
folder=$(mktemp -d "$HOME/tap.XXXXXX") || exit
trap 'rm -rf "$folder"' EXIT
cat >"$folder/in"
"$@" <"$folder/in" >"$folder/out" 2>"$folder/err"
code=$?
{
    echo "$name $operation"
    sed 's/^/  > /' "$folder/in"
    sed 's/^/  < /' "$folder/out"
    sed 's/^/  ! /' "$folder/err"
    [ "$code" = 0 ] || echo "  exit $code"
} >>"$HOME/happened"
cat "$folder/out"
cat "$folder/err" >&2
exit "$code"
