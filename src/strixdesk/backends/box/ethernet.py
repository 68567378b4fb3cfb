"""With which address a machine is woken: that of the wired card through which it reaches the world.

Sources: /proc/net/route (destination and mask in hexadecimal), sysfs-class-net(5).
"""

from __future__ import annotations

import re

from strixdesk.backends.box.shell import Shell
from strixdesk.core.errors import BoxError

_READ = r"""
exec 2>/dev/null
while read -r card destination rest; do
  [ "$destination" = 00000000 ] && break
done <"$1/proc/net/route" || exit 0
there=$1/sys/class/net/$card
[ -e "$there/device" ] && [ ! -e "$there/wireless" ] && cat "$there/address"
exit 0
"""
_ADDRESS = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")


async def read_ethernet_address(shell: Shell, *, root: str = "") -> str | None:
    """As `12:34:56:78:9a:bc`. None where it cannot be told, or the way out is no wired card (a
    bridge, WLAN). Never raises for a lost connection: it is a convenience."""
    try:
        done = await shell.run(["sh", "-c", _READ, "sh", root])
    except BoxError:
        return None
    told = done.out.strip().lower()
    return told if _ADDRESS.fullmatch(told) else None
