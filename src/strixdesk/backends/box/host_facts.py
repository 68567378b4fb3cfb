"""One command that reads what a box's own system tells, and its answer as values.

Sources: proc(5), the amdgpu driver's sysfs files (`mem_info_gtt_total`, …), ss(8). Every part may
be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from posixpath import dirname

from strixdesk.backends.box.shell import Shell
from strixdesk.core.box import BoxMemory
from strixdesk.core.host import CachedModel, Disk, HostFacts
from strixdesk.core.stack import Stack

_LOOK = r"""
part() { printf '\0%s\0' "$1"; }
exec 2>/dev/null
part meminfo; cat /proc/meminfo
part gpu
for file in /sys/class/drm/card*/device/mem_info_*; do
  printf '%s %s\n' "$file" "$(cat "$file")"
done
part heat
for folder in /sys/class/hwmon/hwmon*; do
  printf '%s %s\n' "$(cat "$folder/name")" "$(cat "$folder/temp1_input")"
done
part gfx; cat /sys/class/kfd/kfd/topology/nodes/*/properties | grep gfx_target_version
part watchdog
for name in earlyoom systemd-oomd nohang; do
  if pgrep -x "$name" >/dev/null || [ "$(systemctl is-active "$name")" = active ]; then
    echo "$name"
  fi
done
command -v pgrep systemctl | grep -q . && echo looked
part user; id -un
part devices
for file in /dev/kfd /dev/dri/renderD*; do
  [ -e "$file" ] || continue
  if [ -r "$file" ] && [ -w "$file" ]; then echo "yes $file"; else echo "no $file"; fi
done
part ports; ss -ltnp
part tcp; cat /proc/net/tcp /proc/net/tcp6
homes=$1
shift
for folder; do
  there=$folder
  while [ ! -d "$there" ] && [ "$there" != / ] && [ "$there" != . ]; do
    there=$(dirname -- "$there")
  done
  part "disk $folder"; df -Pk -- "$there" | tail -n 1
  part files
  find -L "$folder" -maxdepth 3 -name '*.gguf' -type f -exec stat -L -c '%s %n' {} + | head -n 500
  [ "$homes" -gt 0 ] || continue
  homes=$((homes - 1))
  [ -s "$folder/token" ] && part "token $folder"
  part cached
  for model in "$folder"/hub/models--*; do
    [ -d "$model" ] || continue
    size=$(du -sk -- "$model" | cut -f 1)
    parts=$(find "$model/blobs" -name '*.incomplete' | head -n 1 | wc -l)
    weights=$(find -L "$model/snapshots" \( -name '*.safetensors' -o -name '*.bin' \
      -o -name '*.gguf' \) | head -n 1 | wc -l)
    printf '%s %s %s %s\n' "$size" "$parts" "$weights" "${model##*/models--}"
  done
done
exit 0
"""
"""`$1`: how many of the folders that follow are Hugging Face caches; those come first."""

_PROGRAM = re.compile(r'users:\(\("([^"]*)"')
_TEMPERATURES = ("amdgpu", "k10temp", "acpitz")


async def read_facts(shell: Shell, stack: Stack | None = None) -> HostFacts:
    """Raises what `Shell.run` raises."""
    services = stack.services if stack else ()
    homes = list(dict.fromkeys(one.hf_home for one in services if one.hf_home))
    models = dict.fromkeys(dirname(one.model_path) for one in services if one.model_path)
    folders = [*homes, *(folder for folder in models if folder not in homes)]
    done = await shell.run(
        ["sh", "-s", "--", str(len(homes)), *folders], stdin=_LOOK.encode(), timeout_s=30
    )
    return parse_facts(done.out)


MEMORY_LOOK = _LOOK.partition("part gfx;")[0]
"""Only the memory, the graphics unit's and its temperature: cheap enough to ask often. A piece of a
shell script, whose output `parse_facts` reads."""


async def read_memory(shell: Shell) -> BoxMemory | None:
    return parse_facts((await shell.run(["sh", "-s"], stdin=MEMORY_LOOK.encode())).out).memory


def parse_facts(text: str) -> HostFacts:
    """Never raises: a part that makes no sense is left out."""
    fields = text.split("\0")[1:]
    parts = list(zip(fields[::2], fields[1::2], strict=False))
    named: dict[str, str] = {}
    disks: dict[str, Disk] = {}
    files: dict[str, int] = {}
    cached: dict[str, CachedModel] = {}
    logged_in: set[str] = set()
    for name, body in parts:
        if name.startswith("disk "):
            disk = _disk(body)
            if disk:
                disks[name.removeprefix("disk ")] = disk
        elif name.startswith("token "):
            logged_in.add(name.removeprefix("token "))
        elif name == "files":
            files |= _files(body)
        elif name == "cached":
            cached |= _cached(body)
        else:
            named[name] = body
    watching = named.get("watchdog", "").split()
    return HostFacts(
        memory=_memory(named),
        disks=disks,
        files=files,
        cached=cached,
        logged_in=frozenset(logged_in),
        watchdog=None if not watching else watching[0].replace("looked", ""),
        user=named.get("user", "").strip(),
        devices={
            path: may == "yes"
            for may, _, path in (line.partition(" ") for line in _lines(named, "devices"))
            if path
        },
        ports=_ports(named),
        gpu=_gfx(named.get("gfx", "")),
    )


def _memory(named: Mapping[str, str]) -> BoxMemory | None:
    found: dict[str, int] = {}
    for line in _lines(named, "meminfo"):
        name, _, rest = line.partition(":")
        value = _whole(rest.split()[0]) if rest.split() else None
        if value is not None:
            found[name] = value * 1024
    total = found.get("MemTotal")
    if not total:
        return None
    available = found.get("MemAvailable", found.get("MemFree", 0) + found.get("Cached", 0))
    gpu_total, gpu_used, apart = _gpu(named)
    return BoxMemory(
        total_bytes=total,
        available_bytes=min(available, total),
        swap_total_bytes=found.get("SwapTotal", 0),
        swap_free_bytes=found.get("SwapFree", 0),
        gpu_total_bytes=gpu_total,
        gpu_used_bytes=gpu_used,
        gpu_apart=apart,
        temperature_c=_temperature(named),
    )


def _gpu(named: Mapping[str, str]) -> tuple[int | None, int | None, bool]:
    """Total and used of the card with the most memory. ROCm takes from GTT where that is larger
    than the carved-out VRAM, as on a box that is set up for models; else from VRAM alone."""
    cards: dict[str, dict[str, int]] = {}
    for line in _lines(named, "gpu"):
        path, _, text = line.rpartition(" ")
        value = _whole(text)
        if value is not None:
            folder, _, name = path.rpartition("/mem_info_")
            cards.setdefault(folder, {})[name] = value
    usable = [one for one in cards.values() if "gtt_total" in one]
    if not usable:
        return None, None, False
    card = max(usable, key=lambda one: one["gtt_total"] + one.get("vram_total", 0))
    apart = card.get("vram_total", 0) > card["gtt_total"]
    kinds = ("vram",) if apart else ("gtt", "vram")
    used = [card.get(f"{kind}_used") for kind in kinds if f"{kind}_total" in card]
    known = [one for one in used if one is not None]
    return (
        sum(card.get(f"{kind}_total", 0) for kind in kinds),
        sum(known) if len(known) == len(used) else None,
        apart,
    )


def _temperature(named: Mapping[str, str]) -> float | None:
    found: dict[str, int] = {}
    for line in _lines(named, "heat"):
        name, _, text = line.partition(" ")
        value = _whole(text)
        if value is not None and -50_000 < value < 200_000:
            found[name] = max(value, found.get(name, value))
    return next((found[name] / 1000 for name in _TEMPERATURES if name in found), None)


def _gfx(text: str) -> str:
    """`gfx_target_version 110501` → `gfx1151`; the processor's own node says 0."""
    for word in text.split():
        value = _whole(word)
        if value:
            return f"gfx{value // 10000}{value // 100 % 100:x}{value % 100:x}"
    return ""


def _ports(named: Mapping[str, str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for line in _lines(named, "tcp"):
        words = line.split()
        if len(words) > 3 and words[3] == "0A":  # listening
            try:
                found[int(words[1].rpartition(":")[2], 16)] = ""
            except ValueError:
                continue
    for line in _lines(named, "ports"):
        words = line.split()
        port = _whole(words[3].rpartition(":")[2]) if len(words) > 3 else None
        if port:
            who = _PROGRAM.search(line)
            found[port] = who.group(1) if who else found.get(port, "")
    return found


def _disk(text: str) -> Disk | None:
    """The last line of `df -Pk`: device, blocks, used, free, percentage, mount."""
    numbers = re.search(r"\s(\d+)\s+\d+\s+(\d+)\s+\d+%", text)
    return Disk(int(numbers[1]) * 1024, int(numbers[2]) * 1024) if numbers else None


def _files(text: str) -> dict[str, int]:
    pairs = (line.partition(" ") for line in text.splitlines())
    sizes = ((path, _whole(size)) for size, _, path in pairs if path)
    return {path: size for path, size in sizes if size is not None}


def _cached(text: str) -> dict[str, CachedModel]:
    found: dict[str, CachedModel] = {}
    for line in text.splitlines():
        words = line.split(" ", 3)
        size = _whole(words[0])
        if len(words) == 4 and size is not None:
            name = words[3].replace("--", "/", 1)
            found[name] = CachedModel(size * 1024, words[1] == "0" and words[2] == "1")
    return found


def _lines(named: Mapping[str, str], part: str) -> Iterable[str]:
    return (line for line in named.get(part, "").splitlines() if line.strip())


def _whole(text: str) -> int | None:
    stripped = text.strip()
    is_number = stripped.isascii() and stripped.isdecimal() and len(stripped) < 20
    return int(stripped) if is_number else None
