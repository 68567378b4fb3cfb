# Finds uv at the pinned version, or installs it into a folder of the project's own. Sets UV.

find_uv() {
  local want have tools
  want=$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements/uv.txt)
  tools=$PWD/.cache/uv-$want
  for UV in "$tools/bin/uv" "$(command -v uv || true)"; do
    if [ -n "$UV" ] && [ -x "$UV" ]; then
      have=$("$UV" --version | cut -d' ' -f2)
      [ "$have" = "$want" ] && return
    fi
  done
  echo "Installing uv $want …" >&2
  python3 -m venv "$tools" 2>/dev/null || {
    rm -rf "$tools"
    install_system_packages python3-venv
    python3 -m venv "$tools"
  }
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r requirements/uv.txt
  UV=$tools/bin/uv
}
