#compdef keyward

# Completes with what the program prints.
_keyward() {
    local line value help
    local -a candidates unfinished
    while IFS=$'\t' read -r value help; do
        [[ -z $value ]] && continue
        line="${${value//\\/\\\\}//:/\\:}:${help}"
        if [[ $value == *[=/] ]]; then
            unfinished+=("$line")
        else
            candidates+=("$line")
        fi
    done < <("${words[1]}" __complete $((CURRENT - 1)) "${words[@]}" 2>/dev/null)
    if (( ! ${#candidates} && ! ${#unfinished} )); then
        _files
        return
    fi
    (( ${#candidates} )) && _describe -V keyward candidates
    (( ${#unfinished} )) && _describe -V keyward unfinished -S ''
}

if [[ $funcstack[1] == _keyward ]]; then
    _keyward "$@"
else
    compdef _keyward keyward
fi
