#!/bin/bash
# Completes command lines of tyto as bash does, and compares what is offered.
#
#   completion_test.sh TYTO LEDGER COMPLETION
set -eu
tyto=$(realpath "$1")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$2" make "$place/shop" 2>/dev/null
PATH=$(dirname "$tyto"):$PATH
compopt() { :; }  # there is no completion under way
. "$3"

# Fails unless the last word of a command line, given word by word, is completed to what is expected.
expect() {
  local expected=$1
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _tyto
  if [ "${COMPREPLY[*]}" != "$expected" ]; then
    echo "'$*' is completed to '${COMPREPLY[*]}', not to '$expected'" >&2
    exit 1
  fi
}

IFS=' '
expect 'tail trace truncate' tyto t
expect 'deadlines dead-letters delete' tyto -d "$place/shop" de
expect 'list' tyto dead-letters l
expect "'account|alice'" tyto -d "$place/shop" cat "'account|a"
expect 'mailing' tyto -d "$place/shop" pause mai
expect '--follow --full' tyto tail --f
expect 'cloudevents csv' tyto export --format c
expect 'chrome' tyto trace x --format c
expect 'mailing' tyto --socket none -d "$place/shop" pause mai
expect '' tyto -d "$place/shop" cat nothing
