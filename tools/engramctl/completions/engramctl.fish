# Completion of engramctl(1) for fish; what there is, its --help says.

function __engramctl_commands
    engramctl --help 2>/dev/null | string match -rg '^  ([a-z]+) (?:FILE|\[on\|off\])? +(.*)' |
        paste - -
end

function __engramctl_options
    set -l command (commandline -opc)[2..] | string match -rv '^-' | head -n 1
    engramctl $command --help 2>/dev/null | string match -rg '(--[a-z][a-z-]*)'
end

function __engramctl_command_is
    set -l words (commandline -opc)
    contains -- $argv[1] $words
end

function __engramctl_no_command
    not string match -qr '^[a-z]' -- (commandline -opc)[2..]
end

complete -c engramctl -f
complete -c engramctl -n __engramctl_no_command -a '(__engramctl_commands)'
complete -c engramctl -n 'string match -q -- "-*" (commandline -ct)' -a '(__engramctl_options)'
complete -c engramctl -n '__engramctl_command_is metrics' -a 'on off'
complete -c engramctl -n 'string match -qr -- "--.*-(file|dir)" (commandline -opc)[-1]' -F
complete -c engramctl -n '__engramctl_command_is record; or __engramctl_command_is replay' -F
