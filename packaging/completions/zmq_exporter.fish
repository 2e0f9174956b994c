# SPDX-License-Identifier: MPL-2.0
# Completes zmq_exporter's commands and flags, which it lists itself.
function __zmq_exporter_offers
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    contains -- -- $words; and return
    set -l command
    if set -q words[2]; and not string match -q -- '-*' $words[2]
        set command $words[2]
    end
    if string match -q -- '-*' $current
        $words[1] $command --list-flags 2>/dev/null
    else if test (count $words) -eq 1
        $words[1] --list-commands 2>/dev/null
    end
end
complete -c zmq_exporter -a '(__zmq_exporter_offers)'
