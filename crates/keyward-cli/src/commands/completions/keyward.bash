# Completes with what the program prints. If it cannot be started, commands and options still complete.
_keyward() {
    local said line quoted
    COMPREPLY=()
    if ! said=$("${COMP_WORDS[0]}" __complete "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null); then
        _keyward_without_values "$@"
        return
    fi
    while IFS=$'\t' read -r line _; do
        if [[ -n $line ]]; then
            printf -v quoted %q "$line"
            COMPREPLY+=("$quoted")
        fi
    done <<<"$said"
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
