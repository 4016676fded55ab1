# Completes the command tyto in bash: its commands and options as --help lists them, and the streams and consumers of
# the directory that the command line names.

_tyto_directory() {
  local i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      -d | --dir) echo "${COMP_WORDS[i + 1]}" && return ;;
    esac
  done
  echo "${TYTO_DIR:-.}"
}

# Prints the names in a column of a JSON listing, one a line.
_tyto_names() {
  "${COMP_WORDS[0]}" -d "$(_tyto_directory)" "$1" --json 2>/dev/null | sed -n "s/^{\"$2\":\"\([^\"\\\\]*\)\".*/\1/p"
}

_tyto() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command= i name words=()
  local IFS=$'\n'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      -d | --dir | --socket | --color) ((++i)) ;;
      -*) ;;
      *) command+=" ${COMP_WORDS[i]}" words+=("${COMP_WORDS[i]}") ;;
    esac
  done
  case $previous in
    -d | --dir | OTHER | DEST) compopt -o dirnames && return ;;
    --color) COMPREPLY=($(compgen -W $'auto\nalways\nnever' -- "$current")) && return ;;
    --format)
      local forms=$'jsonl\ncloudevents\ncsv'
      if [[ ${words[0]-} == trace ]]; then forms=$'tree\njson\nchrome'; fi
      COMPREPLY=($(compgen -W "$forms" -- "$current")) && return
      ;;
    -o | --output | --socket) compopt -o default && return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "${words[@]}" --help 2>/dev/null | grep -o -e '--[a-z-]*' | sort -u)" -- "$current"))
    return
  fi
  case $command in
    '') COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" --help 2>/dev/null | sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')" -- "$current")) ;;
    ' dead-letters') COMPREPLY=($(compgen -W $'list\nreplay\ndiscard' -- "$current")) ;;
    ' cat' | ' state' | ' close' | ' truncate' | ' delete')
      for name in $(compgen -W "$(_tyto_names streams stream)" -- "${current//[\'\"\\]/}"); do
        COMPREPLY+=("'$name'")
      done
      ;;
    ' pause' | ' resume' | ' reset' | ' dead-letters list' | ' dead-letters replay' | ' dead-letters discard')
      COMPREPLY=($(compgen -W "$(_tyto_names consumers consumer)" -- "$current"))
      ;;
    ' backup' | ' restore' | ' diff') compopt -o dirnames ;;
  esac
}
complete -F _tyto tyto
