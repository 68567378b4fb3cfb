"""Keys of cloud tiers, kept by the system's keychain: never in a file, a log or the environment."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from strixdesk.core.errors import KeychainError, TierRefused
from strixdesk.core.tier import Tier

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_T = TypeVar("_T")

SERVICE = "strixdesk"
"""Under which the entries stand in the keychain."""
FRESH_S = 300.0
"""A key that was changed meanwhile is noticed after that …"""
SULKING_S = 60.0
"""… and a keychain that refused is left alone so long: its user may have closed its window."""
ANSWER_S = 60.0
"""For its user to type a password. Later it is not asked again before it has answered."""
_ADVICE = (
    "Unlock it or set one up (on Linux: gnome-keyring or KWallet), or name an environment "
    "variable with api_key_env in place of key_name."
)


class Keychain:
    """Asked on a thread, since it may ask its user for a password; held in memory only."""

    def __init__(
        self,
        backend: KeyringBackend | None = None,
        now: Callable[[], float] = time.monotonic,
        answer_s: float = ANSWER_S,
    ) -> None:
        """None: the system's own, found when it is first asked."""
        self._backend = backend
        self._answer_s = answer_s
        self._now = now
        self._known: dict[str, tuple[float, str]] = {}
        self._refusals: dict[str, tuple[float, KeychainError]] = {}
        self._asking = asyncio.Lock()
        self._asked: Future[Any] | None = None
        """What was asked last; not done when nobody waited for it to the end."""
        self._asked_at = 0.0

    async def get(self, name: str) -> str | None:
        """None: there is no such entry. Raises KeychainError."""
        async with self._asking:  # one question to the user at a time
            if (known := self._known.get(name)) and self._now() - known[0] < FRESH_S:
                return known[1]
            if (refusal := self._refusals.get(name)) and self._now() - refusal[0] < SULKING_S:
                raise refusal[1]
            try:
                key = await self._use(lambda keyring: keyring.get_password(SERVICE, name))
            except KeychainError as error:
                if self._asked and self._asked.done():  # and not: it may yet answer
                    self._refusals[name] = (self._now(), error)
                raise
            if key:
                self._known[name] = (self._now(), key)
            return key or None

    async def set(self, name: str, key: str) -> None:
        """Raises KeychainError."""
        async with self._asking:
            await self._use(lambda keyring: keyring.set_password(SERVICE, name, key))
            self._known[name] = (self._now(), key)

    async def remove(self, name: str) -> bool:
        """False: there was none. Raises KeychainError."""
        self._known.pop(name, None)

        def remove(keyring: KeyringBackend) -> bool:
            if keyring.get_password(SERVICE, name) is None:
                return False
            keyring.delete_password(SERVICE, name)
            return True

        async with self._asking:
            return await self._use(remove)

    async def keyed(self, tier: Tier) -> Tier:
        """The tier with its key. Raises TierRefused, in the keychain's words, where it cannot be
        had."""
        if tier.key_name is None or tier.api_key is not None:
            return tier
        try:
            key = await self.get(tier.key_name)
        except KeychainError as error:
            message = f"The key of “{tier.title}” cannot be read. {error.message}"
            raise TierRefused(message, error.advice) from None
        if key is None:
            raise TierRefused(
                f"The keychain holds no key “{tier.key_name}” for “{tier.title}”.",
                f"Put it there: strixdesk key set {tier.key_name}",
            )
        return replace(tier, api_key=key)

    async def _use(self, use: Callable[[KeyringBackend], _T]) -> _T:
        def work() -> _T:
            import keyring  # brings the desktop's message bus along
            import keyring.errors

            try:
                return use(self._backend or keyring.get_keyring())
            except keyring.errors.NoKeyringError:
                raise KeychainError("This system has no keychain.", _ADVICE) from None
            except keyring.errors.KeyringLocked:
                raise KeychainError("The keychain is locked.", _ADVICE) from None
            except Exception as error:  # each system's keychain has errors of its own
                # Its words are not passed on: they might hold what was to be kept.
                words = f"The keychain does not work ({type(error).__name__})."
                raise KeychainError(words, _ADVICE) from None

        if self._asked and not self._asked.done():  # by someone who no longer waits
            await self._answer(self._asked)
        self._asked, self._asked_at = _on_a_thread(work), self._now()
        return await self._answer(self._asked)

    async def _answer(self, asked: Future[_T]) -> _T:
        try:
            async with asyncio.timeout(self._asked_at + self._answer_s - self._now()):
                return await asyncio.wrap_future(asked)
        except TimeoutError:
            raise KeychainError(
                f"The keychain has not answered for {self._answer_s:g} s: it may be waiting for "
                "its password.",
                _ADVICE,
            ) from None


def _on_a_thread(work: Callable[[], _T]) -> Future[_T]:
    """On one that does not keep the program from ending, as asyncio's own would."""
    future: Future[_T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name="keychain", daemon=True).start()
    return future
