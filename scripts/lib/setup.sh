# What scripts/run, scripts/test and scripts/lock share: they source this file.
# Everything that is installed lands in two folders of the checkout, .venv and .cache; system
# libraries come from apt, and only those that are missing.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VENV=$ROOT/.venv

# PortAudio, and what Qt's xcb platform needs.
RUN_PACKAGES="libportaudio2 libegl1 libgl1 libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0
  libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-xinerama0 libdbus-1-3
  libfontconfig1 fonts-dejavu-core"
# A sound card made of software, a screen made of memory, hands for both; an ssh server and login
# shells; a keychain on a message bus of its own.
TEST_PACKAGES="pulseaudio pulseaudio-utils libasound2-plugins xvfb openbox xdotool x11-apps x11-utils imagemagick sox
  espeak-ng openssh-server fish zsh tcsh busybox gnome-keyring dbus-daemon"

say() { printf '%s\n' "$*" >&2; }

install_system_packages() {
  [ "$(uname)" = Linux ] || return 0
  command -v dpkg-query >/dev/null || return 0
  local missing="" name as_root=""
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing="$missing $name"
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
      as_root=sudo
    else
      say "StrixDesk needs system packages that only an administrator can install. Run this, then start again:"
      say "  sudo apt-get install --no-install-recommends$missing"
      exit 1
    fi
  fi
  say "Installing system packages:$missing"
  # shellcheck disable=SC2086
  { $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing ||
    { $as_root apt-get update -q &&
      $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; }
  } >&2
}

# A docker engine for the tests of the box. Where it cannot be had, they are skipped and say so:
# never a reason to stop. Debian 12 has no Compose v2; the next release's package holds one binary,
# which is taken from there without installing the package.
install_docker_engine() {
  [ "$(uname)" = Linux ] && command -v dpkg-query >/dev/null || return 0
  if ! command -v dockerd >/dev/null; then
    if [ "$(id -u)" != 0 ] || ! (install_system_packages docker.io); then
      say "No docker engine: the tests of the box will be skipped. They need docker.io, and root to run it."
      return 0
    fi
  fi
  local plugin=$ROOT/.cache/docker/cli-plugins/docker-compose
  if [ -x "$plugin" ] || docker compose version >/dev/null 2>&1; then return 0; fi
  say "Fetching Docker Compose for the tests of the box …"
  (fetch_compose "$plugin") >&2 || say "No Docker Compose could be fetched: the tests of the box will be skipped."
}

# fetch_compose FILE: from the package docker-compose of Debian 13, through a package list of its own.
fetch_compose() {
  local view mirror apt
  view=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$view'" EXIT
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -1)
  mkdir -p "$view/lists/partial" "$view/cache/archives/partial" "$(dirname "$1")"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$view/sources"
  apt=(apt-get -q -o "Dir::Etc::sourcelist=$view/sources" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$view/lists" -o "Dir::Cache=$view/cache" -o APT::Sandbox::User=root)
  "${apt[@]}" update && cd "$view" && "${apt[@]}" download docker-compose &&
    dpkg -x docker-compose_*.deb tree &&
    cp tree/usr/libexec/docker/cli-plugins/docker-compose "$1.new" && mv "$1.new" "$1"
}

# Sets UV to uv at the pinned version; installs it into a folder of the checkout when it is not there.
find_uv() {
  local want have own
  want=$(sed -n 's/^uv==\([^ ]*\).*/\1/p' "$ROOT/requirements/uv.txt")
  own=$ROOT/.cache/uv-$want
  for UV in "$own/bin/uv" "$(command -v uv || true)"; do
    [ -n "$UV" ] && [ -x "$UV" ] || continue
    have=$("$UV" --version | cut -d' ' -f2)
    if [ "$have" = "$want" ]; then return; fi
  done
  say "Installing uv $want …"
  if ! python3 -c 'import ensurepip' 2>/dev/null; then
    install_system_packages python3-venv
  fi
  python3 -m venv "$own"
  "$own/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r "$ROOT/requirements/uv.txt"
  UV=$own/bin/uv
}

# set_up app|dev: brings .venv to what requirements/$1.txt and the starter kit say. Once it is
# there, a second call reads two small files and does nothing.
set_up() {
  local want_set=$1 stamp=$VENV/strixdesk-stamp now
  now="$(cat "$ROOT/requirements/$want_set.txt" "$ROOT/requirements/starter-kit.txt" \
    "$ROOT/pyproject.toml" "${BASH_SOURCE[0]}" | cksum) $ROOT"
  # The development set holds everything that the app's set does.
  if [ "$want_set" = app ] && [ -e "$stamp-dev" ]; then
    set_up dev
    return
  fi
  if [ "$(cat "$stamp-$want_set" 2>/dev/null)" = "$now" ]; then return; fi
  # shellcheck disable=SC2086
  install_system_packages $RUN_PACKAGES
  find_uv
  if [ ! -x "$VENV/bin/python" ]; then
    "$UV" venv --quiet --python '>=3.11,<3.14' --python-preference system "$VENV"
  fi
  rm -f "$stamp"-*
  say "Installing the locked Python packages and the starter kit (about 500 MB, once) …"
  local into=(--python "$VENV/bin/python")
  "$UV" pip install --quiet "${into[@]}" --require-hashes -r "$ROOT/requirements/$want_set.txt"
  "$UV" pip install --quiet "${into[@]}" --require-hashes --no-deps \
    -r "$ROOT/requirements/starter-kit.txt"
  "$UV" pip install --quiet "${into[@]}" --no-deps --no-build-isolation --editable "$ROOT"
  printf '%s\n' "$now" >"$stamp-$want_set"
}
