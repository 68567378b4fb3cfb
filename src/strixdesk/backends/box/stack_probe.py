"""The two small shell scripts that look at a stack's folder. Sent to `sh -s` as its input.

The second one runs the stack's own script to learn what it would tell docker. Three things keep it
from doing anything: the PATH holds nothing but a stand-in for docker, programs that only read, and
stand-ins that do nothing; `DOCKER_HOST` points to a socket that is not there, so that even a real
docker could not be reached; and `timeout` ends it.
"""

LOOK = r"""
case $1 in
  /*) cd -- "$1" ;;
  "~") cd ;;
  "~/"*) cd -- "$HOME/${1#??}" ;;
  *) cd -- "$HOME/$1" ;;
esac 2>/dev/null || { printf 'GONE\0%s\0' "$1"; exit 0; }
printf 'FOLDER\0%s\0' "$(pwd)"
[ -f .env ] && printf 'ENV\0.env\0'
[ -f .env.example ] && printf 'EXAMPLE\0.env.example\0'
for name in scripts/up scripts/up.sh up up.sh bin/up bin/up.sh scripts/start scripts/start.sh \
    start start.sh run.sh; do
  [ -f "$name" ] && [ -r "$name" ] || continue
  grep -q docker "$name" || continue
  printf 'SCRIPT\0%s\0' "$name"
  head -c 65536 "$name" | tr -d '\000'
  printf '\0'
  break
done
for name in compose.y*ml docker-compose.y*ml compose.*.y*ml docker-compose.*.y*ml \
    compose/*.y*ml docker/*.y*ml; do
  [ -f "$name" ] && printf 'FILE\0%s\0' "$name"
done
exit 0
"""
"""`$1`: the folder. Prints pairs of fields, each ended by NUL."""

TRY = r"""
set -u
umask 077
folder=$1 script=$2 interpreter=$3
shift 3
cd -- "$folder" || exit 91
work=$(mktemp -d) || exit 92
trap 'rm -rf "$work"' EXIT
trap 'exit 93' HUP INT TERM
mkdir "$work/bin"
for name in sh bash dash env dirname basename pwd readlink realpath cat grep egrep fgrep awk \
    tr cut head tail sort uniq wc id uname hostname date printf echo test expr seq true false \
    ls stat nproc tput; do
  real=$(command -v "$name" 2>/dev/null) || continue
  case $real in /*) ln -s "$real" "$work/bin/$name" ;; esac
done
for name in cp mv rm mkdir rmdir ln touch chmod chown install tee sleep curl wget systemctl \
    loginctl sysctl swapon swapoff modprobe git pip pip3 podman huggingface-cli hf tailscale ssh \
    scp rsync kill pkill killall nvidia-smi rocm-smi free sync xargs find; do
  printf '#!/bin/sh\nexit 0\n' >"$work/bin/$name"
done
skip='#!/bin/sh
while :; do case ${1-} in -*|*=*) shift ;; *) break ;; esac; done
'
for name in sudo doas nohup nice; do printf '%sexec "$@"\n' "$skip" >"$work/bin/$name"; done
printf '%sshift\nexec "$@"\n' "$skip" >"$work/bin/timeout"
real=$(command -v sed) && {
  printf '#!/bin/sh\nfor one; do case $one in -i*|--in-place*) exit 0 ;; esac; done\n'
  printf 'exec %s "$@"\n' "$real"
} >"$work/bin/sed"
env_real=$(command -v env)
{
  printf '#!/bin/sh\n'
  printf 'case $0 in *-compose) set -- compose "$@" ;; esac\n'
  printf '{ printf "%%s\\0" CALL "$PWD" "$#" "$@"; %s -0; printf "END\\0"; }' "$env_real"
  printf ' >>"$STRIXDESK_RECORD"\n'
  printf 'case ${1-} in inspect) echo healthy ;; esac\nexit 0\n'
} >"$work/bin/docker"
cp "$work/bin/docker" "$work/bin/docker-compose" && [ -s "$work/bin/docker-compose" ] || exit 92
chmod 700 "$work"/bin/docker "$work"/bin/docker-compose "$work"/bin/sed
for name in "$work"/bin/*; do [ -L "$name" ] || chmod 700 "$name"; done
limit=$(command -v timeout) && limit="$limit -k 1 3"
[ -n "${limit-}" ] || exit 94
for mode; do
  : >"$work/record"
  [ "$mode" = . ] && set_mode= || set_mode=$mode
  $limit "$env_real" -i HOME="$HOME" USER="${USER-}" LOGNAME="${LOGNAME-}" LANG=C TERM=dumb \
    PATH="$work/bin" DOCKER_HOST="unix://$work/nobody" STRIXDESK_RECORD="$work/record" \
    'BASH_FUNC_command_not_found_handle%%=() { return 0; }' \
    "$interpreter" "$script" ${set_mode:+"$set_mode"} </dev/null >/dev/null 2>&1
  printf 'MODE\0%s\0' "$mode"
  head -c 262144 "$work/record"
done
exit 0
"""
"""`$1` folder, `$2` script, `$3` its interpreter, then the modes to try (`.`: no argument).
Prints what `core.up_script.recorded_calls` reads."""
NO_ROOM = 92
"""Its status where nothing can be written."""

FIND = r"""
cd || exit 0
find "$HOME" /srv /opt -maxdepth 3 \
  \( -name node_modules -o -name .cache -o -name .local \) -prune -o -type f \
  \( -name 'compose*.y*ml' -o -name 'docker-compose*.y*ml' -o -path '*/compose/*.y*ml' \) \
  -size -256k -exec grep -lE 'vllm|llama' {} + 2>/dev/null | head -n 200
exit 0
"""
"""Paths of compose files that look as if they start model servers, one a line."""
