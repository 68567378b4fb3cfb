"""The log: it rotates, it keeps secrets, and it never stops the program."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strixdesk.logs import Redacting, log_native_crashes, set_up_logging


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, sys.excepthook
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook = hook


def written(folder: Path) -> str:
    for handler in logging.getLogger().handlers:
        handler.flush()
    return "".join(path.read_text() for path in sorted(folder.glob("strixdesk.log*")))


def test_given_much_to_say_then_the_log_rotates_and_stays_small(tmp_path: Path) -> None:
    set_up_logging(tmp_path / "logs")
    for number in range(8_000):
        logging.getLogger("strixdesk.test").info("line %05d %s", number, "x" * 1_000)
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["strixdesk.log", *(f"strixdesk.log.{n}" for n in range(1, 6))]
    assert all(path.stat().st_size <= 1_000_000 for path in (tmp_path / "logs").iterdir())
    assert "line 07999" in (tmp_path / "logs" / "strixdesk.log").read_text()


@pytest.mark.parametrize(
    "words",
    [
        "Authorization: Bearer abcdef123456SECRET",
        "api_key=abcdef123456SECRET",
        '{"api_key": "abcdef123456SECRET"}',
        "API-Key: abcdef123456SECRET",
        "key is sk-abcdef123456SECRET",
        "hf_abcdef123456SECRET",
        "http://user:abcdef123456SECRET@host/v1",
    ],
)
def test_given_a_key_in_a_message_then_it_is_blotted_out(tmp_path: Path, words: str) -> None:
    set_up_logging(tmp_path)
    logging.getLogger("strixdesk.test").error("it failed: %s", words)
    text = written(tmp_path)
    assert "it failed" in text
    assert "SECRET" not in text


def test_given_a_key_in_a_traceback_then_it_is_blotted_out() -> None:
    try:
        raise ValueError("refused: Bearer abcdef123456SECRET")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "oh", None, sys.exc_info())
    text = Redacting("%(message)s").format(record)
    assert "refused" in text
    assert "SECRET" not in text


def test_given_requests_then_their_addresses_are_not_logged(tmp_path: Path) -> None:
    set_up_logging(tmp_path, verbose=True)
    logging.getLogger("httpx").info("HTTP Request: GET http://strix:8012/v1/models")
    logging.getLogger("httpcore.http11").debug("headers: Authorization")
    logging.getLogger("strixdesk.test").debug("shown")
    assert "strix:8012" not in written(tmp_path)
    assert "Authorization" not in written(tmp_path)
    assert "shown" in written(tmp_path)


def test_given_a_place_that_cannot_be_written_then_it_says_so_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    set_up_logging(tmp_path / "file" / "logs")
    logging.getLogger("strixdesk.test").error("nobody hears this")
    log_native_crashes(tmp_path / "file" / "logs")
    shown = capsys.readouterr().err
    assert shown.startswith("strixdesk: no log can be kept in")
    assert "nobody hears" not in shown


def test_given_a_log_that_cannot_be_opened_then_it_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "strixdesk.log").mkdir()
    set_up_logging(tmp_path)
    for _ in range(3):
        logging.getLogger("strixdesk.test").error("nobody hears this")
    shown = capsys.readouterr().err
    assert shown.count("no log can be kept") == 1
    assert "Traceback" not in shown


def test_given_an_error_that_nobody_caught_then_the_log_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging(tmp_path)
    try:
        raise RuntimeError("a programming error")
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    assert "a programming error" in written(tmp_path)
    assert "a programming error" in capsys.readouterr().err
