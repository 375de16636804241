#compdef engramctl
# Completion of engramctl(1) for zsh; what there is, its --help says.

_engramctl() {
  local command="" word
  local -a commands options
  commands=(${(f)"$(_call_program commands $words[1] --help 2>/dev/null |
    sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')"})
  for word in ${words[2,CURRENT-1]}; do
    (( ${commands[(Ie)$word]} )) && { command=$word; break; }
  done
  case $words[CURRENT-1] in
    (--region-dir|--state-dir) _directories; return ;;
    (--*-file) _files; return ;;
    (-a|--address|--match|--label|--process|--node|--interval) return ;;
  esac
  case $words[CURRENT],$command in
    (-*)
      options=(${(f)"$(_call_program options $words[1] $command --help 2>/dev/null |
        grep -oE -- '--[a-z][a-z-]*')"})
      compadd -a options ;;
    (*,) compadd -a commands ;;
    (*,metrics) compadd on off ;;
    (*,record|*,replay) _files ;;
  esac
}

_engramctl "$@"
