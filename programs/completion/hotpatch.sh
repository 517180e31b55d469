# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion of hotpatch, xen-hotpatch and linux-hotpatch for bash. What there is to choose from is read from the program's own --help, so
# it is always that program's; what is loaded, from its list.

# Sets the caller's variable help.
_hotpatch_help() {
  help=$("$@" --help 2>/dev/null)
}

# The names under "Subcommands:".
_hotpatch_commands() {
  sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' <<<"$1"
}

# The options, long ones alone.
_hotpatch_options() {
  sed -n 's/^  \(-[a-zA-Z],\)\{0,1\}\(--[a-z][a-z-]*\).*/\2/p' <<<"$1"
}

# What is behind an option's name: empty for one that takes no value.
_hotpatch_value_of() {
  sed -n "s/^  \(-[a-zA-Z],\)\{0,1\}$2 \([A-Z][A-Z]*[^ ]*\).*/\2/p; s/^  \($2\),.* \([A-Z][A-Z]*[^ ]*\).*/\2/p" <<<"$1"
}

_hotpatch() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local program=${COMP_WORDS[0]} help word value choices positionals
  local -a command=("$program") line=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
  COMPREPLY=()
  _hotpatch_help "${command[@]}"
  # Commands come before anything else; what follows the last of them is options, their values and positionals.
  while ((${#line[@]})) && _hotpatch_commands "$help" | grep -Fxq -- "${line[0]}"; do
    command+=("${line[0]}")
    line=("${line[@]:1}")
    _hotpatch_help "${command[@]}"
  done

  if [[ $previous == -* ]]; then
    value=$(_hotpatch_value_of "$help" "$previous")
    if [[ $value == *:\{*\}* ]]; then
      choices=${value#*\{}
      choices=${choices%%\}*}
      mapfile -t COMPREPLY < <(compgen -W "${choices//,/ }" -- "$current")
      return
    elif [[ $value == UINT* || $value == INT* ]]; then
      return
    elif [[ -n $value ]]; then
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
    fi
  fi
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_hotpatch_options "$help")" -- "$current")
    return
  fi
  choices=$(_hotpatch_commands "$help")
  if [[ -n $choices ]]; then
    ((${#line[@]})) || mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
    return
  fi
  # A positional: which one, by how many words there are that are neither options nor their values.
  local number=1 skip=
  for word in "${line[@]}"; do
    if [[ -n $skip ]]; then
      skip=
    elif [[ $word == -* ]]; then
      [[ $word == *=* ]] || skip=$(_hotpatch_value_of "$help" "$word")
    else
      number=$((number + 1))
    fi
  done
  positionals=$(sed -n '/^Positionals:/,/^$/s/^  \([A-Za-z][A-Za-z_]*\) .*/\1/p' <<<"$help")
  word=$(sed -n "${number}p" <<<"$positionals")
  case $word in
    NAME) # what is there, for those who may ask; nobody else
      choices=$("$program" list 2>/dev/null | sed -n '2,$s/^\([^ ]*\) .*/\1/p')
      mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
      ;;
    target) mapfile -t COMPREPLY < <(compgen -W "xen linux" -- "$current") ;;
    ?*) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
  esac
}

complete -o filenames -F _hotpatch hotpatch xen-hotpatch linux-hotpatch
