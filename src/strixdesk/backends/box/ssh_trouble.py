"""What ssh says when it does not get there, and what that means for a user."""

from __future__ import annotations

import re

from strixdesk.backends.box.ssh_config import SshAddress
from strixdesk.core.errors import BoxUnreachable

_CHECK_URL = re.compile(r"To authenticate, visit:\s*(https://\S+)")
_OFFERED = re.compile(
    r"fingerprint for the (\S+) key sent by the remote host is\s+((?:SHA256|MD5):\S+?)\.?\s"
)
_OFFENDING = re.compile(r"Offending \S+ key in (.+):(\d+)\s")
_METHODS = re.compile(r"Permission denied \(([\w,@.-]*)\)")
_TRIED = re.compile(r"^debug1: (?:Offering public key|Trying private key): (\S+)", re.MULTILINE)
_NOISE = re.compile(r"^(?:debug\d: |Warning: Permanently added |@@@)|^\s*$")


def check_url(said: str) -> str | None:
    """Tailscale SSH lets nobody in before its page was visited."""
    found = _CHECK_URL.search(said)
    return found[1] if found else None


def key_changed(said: str) -> bool:
    return "REMOTE HOST IDENTIFICATION HAS CHANGED" in said


def key_refused(said: str) -> bool:
    return "Host key verification failed" in said or "key is known for" in said


def offered_key(said: str) -> tuple[str, str]:
    """Kind and fingerprint; empty when it does not say."""
    found = _OFFERED.search(f"{said} ")
    return (found[1], found[2]) if found else ("", "")


def offending_line(said: str) -> tuple[str, int] | None:
    """File of known hosts, and the number of the line that does not fit."""
    found = _OFFENDING.search(f"{said} ")
    return (found[1], int(found[2])) if found else None


def login_refused(said: str) -> bool:
    return "Permission denied (" in said or "Too many authentication failures" in said


def session_refused(said: str) -> bool:
    """The server takes no more commands over the shared connection."""
    return "Session open refused by peer" in said


def control_failed(said: str) -> bool:
    """The shared connection is no more, and nothing was sent over it."""
    sent = "read from master failed" in said or "mux_client_request_session" in said
    return not sent and ("UNKNOWN port" in said or "Control socket connect" in said)


def visit_first(address: SshAddress, url: str) -> BoxUnreachable:
    return BoxUnreachable(
        f"Tailscale wants to know that it is you before it lets you into {address.host}.",
        f"Open {url} and log in; the connection is made as soon as you have.",
        hop="ssh",
    )


def ssh_missing() -> BoxUnreachable:
    return BoxUnreachable(
        "The program `ssh` is not installed on this computer.", "Install OpenSSH.", hop="ssh"
    )


def lost(address: SshAddress) -> BoxUnreachable:
    return BoxUnreachable(
        f"The connection to {address.host} was lost while a command ran there.",
        "It is made anew as soon as the machine answers again.",
        hop="ssh",
    )


def no_answer(address: SshAddress) -> BoxUnreachable:
    return BoxUnreachable(
        f"{address.host} does not answer over ssh.",
        "See whether the machine is switched on and in the same network.",
        hop="ssh",
    )


def no_shell(address: SshAddress, said: str) -> BoxUnreachable:
    words = quotation(said)
    return BoxUnreachable(
        f"{address.host} let us in but ran no command{f': “{words}”' if words else ''}.",
        f"Try `{address.by_hand} true` in a terminal; it has to end without an error.",
        hop="ssh",
    )


def refused_login(address: SshAddress, said: str, asked: str) -> BoxUnreachable:
    """`asked`: what `ssh -v` said to the same."""
    who = f"{address.user}@{address.host}" if address.user else address.host
    keys = list(dict.fromkeys(_TRIED.findall(asked)))
    tried = f"These keys were tried: {', '.join(keys)}." if keys else "No key was there to try."
    methods = _METHODS.search(said)
    if methods and "publickey" not in methods[1].split(","):
        message = f"{who} lets nobody in with a key: it asks for a password."
    elif "Too many authentication failures" in said:
        message = f"{who} was offered more keys than it looks at. {tried}"
    else:
        message = f"{who} accepts none of your keys. {tried}"
    return BoxUnreachable(
        message,
        f"Bring a key there with `ssh-copy-id {who}`; one with a passphrase must be in the agent "
        "(`ssh-add`). Another user name is given with `user` in the settings.",
        hop="ssh",
    )


def trouble(address: SshAddress, said: str) -> BoxUnreachable:
    """Of what ssh said on stderr before it ended with status 255."""
    for words, message, advice in _KNOWN:
        if re.search(words, said):
            return BoxUnreachable(
                message.format(host=address.host), advice.format(hand=address.by_hand), hop="ssh"
            )
    quote = quotation(said)
    return BoxUnreachable(
        f"ssh does not get to {address.host}{f': “{quote}”' if quote else ''}.",
        f"Try `{address.by_hand}` in a terminal.",
        hop="ssh",
    )


def quotation(said: str) -> str:
    """The last line that says something, without its full stop."""
    lines = [line.strip() for line in said.splitlines() if not _NOISE.match(line)]
    return lines[-1][:300].rstrip(".") if lines else ""


_KNOWN = (
    (
        "Could not resolve hostname",
        "The name {host} is not known to this computer.",
        "Correct `host` in the settings; a name of your Tailscale network needs Tailscale to run.",
    ),
    (
        "Connection refused",
        "{host} is there, but no ssh server listens on it.",
        "Start it there: `sudo systemctl enable --now ssh` (or sshd).",
    ),
    (
        r"timed out|Timeout, server|not responding",
        "{host} does not answer over ssh.",
        "See whether the machine is switched on and in the same network.",
    ),
    (
        r"No route to host|Network is unreachable|Host is down|Can't assign requested address",
        "There is no way to {host} from this network.",
        "See whether you are online, and whether Tailscale runs.",
    ),
    (
        r"Bad configuration option|Bad owner or permissions|terminating, .* bad configuration",
        "The ssh configuration of this computer has a mistake, so nothing was sent to {host}.",
        "Run `{hand}` in a terminal and mend what it says.",
    ),
    (
        r"kex_exchange_identification|Connection (?:closed|reset)|banner exchange|Broken pipe",
        "{host} closed the connection before the login.",
        "Its ssh server may be overloaded or may block this computer; its log tells more.",
    ),
    (
        r"no matching (?:host key|key exchange|cipher|MAC)|Unable to negotiate",
        "{host} speaks only old or foreign kinds of encryption.",
        "Bring OpenSSH up to date, here or there.",
    ),
)
