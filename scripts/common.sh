# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts share; sourced, not run. Sets:
#   top       the checkout
#   cache     what is large and may be thrown away: packages, bases. HOTPATCH_CACHE names another place.
#   version   the Xen that the demo and the tests work on
#   release   the Linux that the tests work on
top=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
cache=${HOTPATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hotpatch}
# shellcheck disable=SC2034  # for those that source this file
version=4.17.5+72-g01140da4e8-1
# shellcheck disable=SC2034
release=6.1.0-54-amd64
export HOTPATCH_CACHE=$cache

# build PRESET [TARGET…]: sets up, configures and builds; the programs are in $top/build/PRESET/bin afterwards.
build() {
  "$top/scripts/setup"
  mkdir -p "$top/build/$1"
  local log=$top/build/$1/build.log
  echo "build: preset $1, on $(nproc) cores; the whole output goes to build/$1/build.log"
  if ! (cd "$top" && cmake --preset "$1" && cmake --build --preset "$1" ${2:+--target "${@:2}"}) >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "build: failed; see $log" >&2
    return 1
  fi
}

# say TITLE [LINE…]: what the reader of a demo should know now.
say() { printf '\n\033[1m== %s\033[0m\n' "$1" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; shift; [ $# -eq 0 ] || printf '   %s\n' "$@"; }

# run COMMAND…: shows the command as one would type it in $work, and runs it.
run() {
  local shown='' word
  for word; do
    word=${word//$work\//} word=${word//$top\//} word=${word//$HOME/\~}
    case $word in *[[:space:]]*) word="'$word'" ;; esac
    shown+=" $word"
  done
  printf '\n$%s\n' "$shown"
  "$@"
}
