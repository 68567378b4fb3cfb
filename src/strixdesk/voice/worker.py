"""The child's side: a process that hears messages on stdin and answers on what was its stdout.

The wire has a descriptor of its own; whatever a library prints goes to stderr. The process is gone
as soon as stdin ends, in the middle of a decode too: a parent that was killed leaves no orphan.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from strixdesk.core.errors import ModelError, StrixError
from strixdesk.voice.wire import Unpacker, WireError, WireMessage


class Wire:
    """Messages in, messages out. Reading has a thread of its own, so that the end of stdin is
    noticed while the main thread computes."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.inbox: queue.SimpleQueue[WireMessage] = queue.SimpleQueue()
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._writing = threading.Lock()
        self._watchers: list[Callable[[WireMessage], None]] = []

    def watch(self, watcher: Callable[[WireMessage], None]) -> None:
        """Called on the reading thread with every message, before it is in the inbox."""
        self._watchers.append(watcher)

    def start(self) -> None:
        threading.Thread(target=self._read, name="wire", daemon=True).start()

    def send(self, kind: str, request_id: str = "", payload: bytes = b"", **fields: object) -> None:
        data = memoryview(WireMessage(kind, request_id, fields, payload).packed())
        with self._writing:
            try:
                while data:
                    data = data[os.write(self._write_fd, data) :]
            except BrokenPipeError:
                os._exit(0)

    def _read(self) -> None:
        unpacker = Unpacker()
        try:
            while data := os.read(self._read_fd, 1 << 20):
                for message in unpacker.feed(data):
                    for watcher in self._watchers:
                        watcher(message)
                    self.inbox.put(message)
        except (OSError, WireError) as error:
            sys.stderr.write(f"the wire broke: {error}\n")
            os._exit(3)
        os._exit(0)


def main(kind: str, args: Sequence[str]) -> NoReturn:
    """Be the worker `stt` or `tts`. Never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to decide about
    _die_with_parent()
    wire = Wire(read_fd=os.dup(0), write_fd=os.dup(1))
    os.dup2(2, 1)
    wire.start()
    status = 0
    try:
        _run(kind, args, wire)
    except ModelError as error:
        wire.send("failed", reason="model", message=error.message, advice=error.advice)
    except StrixError as error:
        wire.send("failed", reason="other", message=error.message, advice=error.advice)
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 1
    sys.stderr.flush()
    os._exit(status)  # native threads of the engines have been seen to hang an ordinary exit


def _run(kind: str, args: Sequence[str], wire: Wire) -> None:
    parser = argparse.ArgumentParser(prog=f"strixdesk --worker {kind}")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    if kind == "stt":
        parser.add_argument("--language", default="en")
        options = parser.parse_args(args)
        from strixdesk.voice.stt_worker import serve as serve_stt

        serve_stt(wire, options.model, language=options.language, threads=options.threads)
    else:
        parser.add_argument("--steady", action="store_true")
        options = parser.parse_args(args)
        from strixdesk.voice.tts_worker import serve as serve_tts

        serve_tts(wire, options.model, threads=options.threads, steady=options.steady)


def _die_with_parent() -> None:
    """Linux: be killed with the parent even if this process is stopped and reads nothing."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
