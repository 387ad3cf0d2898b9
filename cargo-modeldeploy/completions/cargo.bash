
# `cargo modeldeploy`, as it is typed. All else of cargo's goes to what completed it before this was read.
_cargo_modeldeploy_others=""

_cargo_modeldeploy_register() {
    local known
    known=$(complete -p cargo 2>/dev/null)
    if [[ "$known" =~ \ -F\ ([^ ]+) && "${BASH_REMATCH[1]}" != _cargo_modeldeploy_typed ]]; then
        _cargo_modeldeploy_others=${BASH_REMATCH[1]}
    fi
    complete -F _cargo_modeldeploy_typed -o bashdefault -o default cargo
}

_cargo_modeldeploy_typed() {
    # A toolchain may stand before the command.
    local at=1
    if [[ "${COMP_WORDS[1]-}" == +* ]]; then
        at=2
    fi
    if [[ $COMP_CWORD -gt $at && "${COMP_WORDS[at]}" == modeldeploy ]]; then
        local words=("cargo-modeldeploy" "${COMP_WORDS[@]:at+1}")
        local COMP_WORDS=("${words[@]}") COMP_CWORD=$((COMP_CWORD - at))
        _cargo__modeldeploy cargo-modeldeploy "$2" "$3"
        return
    fi
    if [[ -z "$_cargo_modeldeploy_others" ]]; then
        # bash-completion reads cargo's own completions when they are first asked for, under one of these names.
        local load
        for load in _comp_load __load_completion; do
            if declare -F "$load" >/dev/null; then
                "$load" cargo && break
            fi
        done
        _cargo_modeldeploy_register
    fi
    if [[ -n "$_cargo_modeldeploy_others" ]]; then
        "$_cargo_modeldeploy_others" "$@"
    fi
    if [[ $COMP_CWORD -eq $at && modeldeploy == "$2"* && " ${COMPREPLY[*]} " != *" modeldeploy "* ]]; then
        COMPREPLY+=(modeldeploy)
    fi
}

_cargo_modeldeploy_register
