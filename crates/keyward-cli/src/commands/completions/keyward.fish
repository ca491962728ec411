# Completes with what the program prints, else with files.
function __keyward_complete
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l candidates ($before[1] __complete (count $before) $before "$current" 2>/dev/null)
    if set -q candidates[1]
        printf '%s\n' $candidates
    else
        __fish_complete_path "$current"
    end
end

complete --command keyward --no-files --keep-order --arguments '(__keyward_complete)'
