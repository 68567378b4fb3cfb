"""Everything that can go wrong for a user, as one tree.

    StrixError
    ├── AudioInputError        a file or microphone that gives nothing usable
    ├── AudioOutputError       no speaker, or it went away
    ├── RecogniserError        speech could not be turned into text
    ├── VoiceError             text could not be turned into speech
    ├── WorkerError            a speech worker crashed, hung or could not start
    ├── ModelError             a model is missing or broken on disk, or could not be fetched
    ├── TierError              a tier refused, stalled or spoke nonsense
    │   ├── TierUnreachable        no connection at all
    │   ├── TierLoading            it is there, its model is not yet
    │   ├── TierTimeout            a deadline passed
    │   ├── TierResting            it kept failing and is left alone for a while
    │   ├── TierRefused            it answered with an error (HTTP status kept)
    │   └── StreamBroken           the answer stopped before its end
    ├── NoTier                 no tier can take this question
    ├── BoxError               something on the box did not work
    │   ├── BoxUnreachable         no way there, or lost on the way (which hop is kept)
    │   │   └── HostKeyDoubtful    its host key does not prove who it is
    │   │       ├── HostKeyUnknown     nobody has said yet that this is the right machine
    │   │       └── HostKeyChanged     another machine answers under its name
    │   ├── CommandFailed          a command ended with an error (its status is kept)
    │   ├── CommandTimeout         a command ran too long
    │   ├── BoxBusy                somebody else is starting or stopping things there
    │   └── NotEnoughMemory        a start that would not fit
    ├── BudgetReached          the month's money for cloud tiers is spent
    ├── KeychainError          the system's keychain is missing or locked
    ├── AttachmentError        a picture that cannot be read or sent
    ├── StoreError             history or recordings could not be written or read
    └── SettingsError          a settings file that is not valid

Each carries what happened and what the user can do, as sentences.
"""

from __future__ import annotations


class StrixError(Exception):
    """Base: `message` says what happened, `advice` what the user can do about it."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def sentence(self) -> str:
        return f"{self.message} {self.advice}".strip()


class AudioInputError(StrixError):
    pass


class AudioOutputError(StrixError):
    pass


class RecogniserError(StrixError):
    pass


class VoiceError(StrixError):
    pass


class WorkerError(StrixError):
    pass


class ModelError(StrixError):
    pass


class TierError(StrixError):
    def __init__(
        self,
        message: str,
        advice: str = "",
        *,
        passing: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, advice)
        self.passing = passing
        """The same question may well succeed in a moment."""
        self.retry_after_s = retry_after_s
        """When the server said that it wants to be asked again; None: it did not say."""


class TierUnreachable(TierError):
    pass


class TierLoading(TierError):
    pass


class TierTimeout(TierError):
    pass


class TierResting(TierError):
    pass


class TierRefused(TierError):
    def __init__(
        self,
        message: str,
        advice: str = "",
        status: int | None = None,
        *,
        passing: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, advice, passing=passing, retry_after_s=retry_after_s)
        self.status = status


class StreamBroken(TierError):
    pass


class NoTier(StrixError):
    def __init__(
        self,
        message: str,
        advice: str = "",
        *,
        offer: tuple[str, ...] = (),
        without_pictures: bool = False,
    ) -> None:
        super().__init__(message, advice)
        self.offer = offer
        """Names of tiers that could be asked instead, if the user says so."""
        self.without_pictures = without_pictures
        """It could be asked again without its pictures, if the user says so."""


class AttachmentError(StrixError):
    pass


class StoreError(StrixError):
    pass


class SettingsError(StrixError):
    pass


class BoxError(StrixError):
    pass


class BoxUnreachable(BoxError):
    def __init__(self, message: str, advice: str = "", hop: str = "") -> None:
        super().__init__(message, advice)
        self.hop = hop
        """`Tailscale`, `ssh` or `docker`; empty: not known."""


class HostKeyDoubtful(BoxUnreachable):
    def __init__(
        self,
        message: str,
        advice: str = "",
        *,
        key_kind: str = "",
        fingerprint: str = "",
        known: str = "",
    ) -> None:
        super().__init__(message, advice, hop="ssh")
        self.key_kind = key_kind
        """`ED25519`, `ECDSA`, …; empty: the server did not show its key."""
        self.fingerprint = fingerprint
        """`SHA256:…`, of the key that was offered."""
        self.known = known
        """Fingerprint of the key that was trusted so far."""


class HostKeyUnknown(HostKeyDoubtful):
    pass


class HostKeyChanged(HostKeyDoubtful):
    pass


class CommandFailed(BoxError):
    def __init__(self, message: str, advice: str = "", status: int = 1) -> None:
        super().__init__(message, advice)
        self.status = status


class CommandTimeout(BoxError):
    pass


class BoxBusy(BoxError):
    pass


class NotEnoughMemory(BoxError):
    pass


class BudgetReached(StrixError):
    pass


class KeychainError(StrixError):
    pass
