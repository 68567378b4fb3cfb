"""Why ssh did not get there: what it said, and where that is too little, what more it tells."""

from __future__ import annotations

from strixdesk.backends.box.host_keys import doubtful
from strixdesk.backends.box.ssh_config import CONNECT_S, SshAddress
from strixdesk.backends.box.ssh_process import ssh_says
from strixdesk.backends.box.ssh_trouble import login_refused, refused_login, trouble
from strixdesk.core.errors import BoxUnreachable


async def explained(address: SshAddress, said: str) -> BoxUnreachable:
    """`said`: on stderr, before ssh ended with status 255."""
    if doubt := await doubtful(address, said):
        return doubt
    if login_refused(said):
        more = await ssh_says(
            [*address.ssh("ControlPath=none", flags=["-v"]), "exit"], CONNECT_S + 5.0
        )
        return refused_login(address, said, more.err)
    return trouble(address, said)
