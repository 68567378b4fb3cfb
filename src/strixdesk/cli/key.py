"""`strixdesk key`: keys of cloud tiers, in the system's keychain. A key is never shown."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys

from strixdesk.backends.keychain import Keychain
from strixdesk.cli.context import CommandContext
from strixdesk.core.errors import StrixError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    key = subparsers.add_parser("key", help="keep keys of cloud tiers in the system's keychain")
    actions = key.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, words in (
        ("set", "store a key: typed without being shown, or from standard input"),
        ("remove", "remove a key"),
    ):
        parser = actions.add_parser(action, help=words)
        parser.add_argument("name", help="the key_name of the tier in the settings")
    actions.add_parser("list", help="say which keys the settings name, and which are there")
    key.set_defaults(run=lambda arguments, context: asyncio.run(_run(arguments, context)))


async def _run(arguments: argparse.Namespace, context: CommandContext) -> int:
    keychain = Keychain()
    match arguments.action:
        case "set":
            key = await asyncio.to_thread(_read, arguments.name)
            await keychain.set(arguments.name, key)
            print(f"The keychain holds “{arguments.name}” now.")
        case "remove":
            there = await keychain.remove(arguments.name)
            words = "was removed from the keychain" if there else "was not in the keychain"
            print(f"“{arguments.name}” {words}.")
        case _:
            await _list(keychain, context)
    return 0


def _read(name: str) -> str:
    key = getpass.getpass(f"Key “{name}”: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not key.strip():
        raise StrixError("No key was given.", "Nothing was changed.")
    return key.strip()


async def _list(keychain: Keychain, context: CommandContext) -> None:
    settings = context.loaded.settings
    named = {tier.key_name for tier in settings.tiers if tier.key_name}
    named |= {source.key_name for source in settings.sources if source.key_name}
    for name in sorted(named):
        there = await keychain.get(name) is not None
        print(f"{name}: {'in the keychain' if there else 'missing'}")
    if not named:
        print("No tier in the settings has a key_name.")
