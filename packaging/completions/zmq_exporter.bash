# SPDX-License-Identifier: MPL-2.0
# Completes zmq_exporter's commands and flags, which it lists itself.
_zmq_exporter() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} command= i
    local -a offered=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        # After `--` it is another program's line.
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            COMPREPLY=($(compgen -c -f -- "$word"))
            return
        fi
        [[ $i == 1 && ${COMP_WORDS[i]} != -* ]] && command=${COMP_WORDS[i]}
    done
    if [[ $word == -* ]]; then
        mapfile -t offered < <("$program" ${command:+"$command"} --list-flags 2>/dev/null | cut -f 1)
    elif [[ $COMP_CWORD == 1 ]]; then
        mapfile -t offered < <("$program" --list-commands 2>/dev/null | cut -f 1)
    fi
    COMPREPLY=($(compgen -W "${offered[*]}" -- "$word"))
    if [[ ${#offered[@]} == 0 ]]; then
        COMPREPLY=($(compgen -f -- "$word"))
    fi
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _zmq_exporter zmq_exporter
