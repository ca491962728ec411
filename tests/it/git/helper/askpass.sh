#!/bin/sh
# Answers git's prompt with the next line of a file, and records both.
if answer=$(head -n 1 "$HOME/answers" | grep .); then
    sed -i 1d "$HOME/answers"
    printf 'asked %s%s\n' "$1" "$answer" >>"$HOME/happened"
    printf '%s\n' "$answer"
else
    printf 'asked %snobody answers\n' "$1" >>"$HOME/happened"
    exit 1
fi
