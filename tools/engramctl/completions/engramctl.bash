# shellcheck shell=bash
# Completion of engramctl(1) for bash; what there is, its --help says.

_engramctl() {
  local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local commands command="" i words=""
  commands=$("$program" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ " ${commands//$'\n'/ } " == *" ${COMP_WORDS[i]} "* ]] && { command=${COMP_WORDS[i]}; break; }
  done
  case "$before" in
    --region-dir | --state-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    --*-file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    -a | --address | --match | --label | --process | --node | --interval) return ;;
  esac
  case "$word,$command" in
    -*) words=$("$program" ${command:+"$command"} --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*') ;;
    *,) words=$commands ;;
    *,metrics) words="on off" ;;
    *,record | *,replay) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _engramctl engramctl
