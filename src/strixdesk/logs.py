"""The log: ids, states and durations, rotated. Never words, never keys."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import re
import sys
from pathlib import Path
from types import TracebackType

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_SECRET = re.compile(
    r"(?i)(bearer\s+|api[_-]?key[\"']?\s*[:=]\s*[\"']?|\bsk-|\bhf_)[A-Za-z0-9_\-.+/=]{6,}"
    r"|(?<=://)[^\s/@]+(?=@)"
)


class Redacting(logging.Formatter):
    """Keys that slipped into a message or a traceback are blotted out."""

    def format(self, record: logging.LogRecord) -> str:
        return _SECRET.sub(lambda found: f"{found.group(1) or ''}…", super().format(record))


def set_up_logging(log_dir: Path, verbose: bool = False) -> None:
    """Logs to a rotating file, and to stderr too when verbose. A folder that cannot be written
    costs the file, not the program."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    handlers: list[logging.Handler] = [logging.StreamHandler()] if verbose else []
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                log_dir / "strixdesk.log",
                maxBytes=1_000_000,
                backupCount=5,
                encoding="utf-8",
            )
        )
    except OSError as error:
        sys.stderr.write(f"strixdesk: no log can be kept in {log_dir}: {error.strerror}.\n")
    for handler in handlers or [logging.NullHandler()]:
        handler.setFormatter(Redacting(_FORMAT))
        root.addHandler(handler)
    # Their lines name every address that is asked.
    for noisy in ("httpx", "httpcore", "markdown_it", "asyncio", "qasync"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught


def log_native_crashes(log_dir: Path) -> None:
    """A crash in native code leaves its stacks in `crash.log`."""
    try:
        file = (log_dir / "crash.log").open("a", encoding="utf-8")
    except OSError:
        return
    faulthandler.enable(file)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("strixdesk").critical("uncaught", exc_info=(kind, error, trace))
    sys.__excepthook__(kind, error, trace)
