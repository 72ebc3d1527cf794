# shellcheck shell=bash
# Shared by tests/run, .ci/run and the installers in this folder. Sourced, never run.

# Everything fetched for tests and lints lands here, and nowhere else on the machine.
cache_dir() {
  local repo=$1 dir=${DIVISI_CACHE:-$1/.cache}
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd -P)
  case $dir in
    *[[:space:]]*) say "the cache directory must not contain blanks: $dir (set DIVISI_CACHE)"; return 1 ;;
  esac
  [ -n "$repo" ] && printf '%s\n' "$dir"
}

# One line on stderr, so that stdout stays free for results.
say() { printf '%s: %s\n' "${program:-${0##*/}}" "$*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

# retry N COMMAND...: for the network only; the pause grows by five seconds each time.
retry() {
  local left=$1 pause=5
  shift
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    say "failed, trying again in $pause s: $*"
    sleep "$pause"
    pause=$((pause + 5))
  done
}
