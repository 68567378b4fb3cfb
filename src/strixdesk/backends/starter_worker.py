"""The child process in which "This computer" runs: llama.cpp's own HTTP server on loopback.

Started by `starter.StarterServer` as `strixdesk --worker llama …`. The first line of stdin is the
API key (argv can be read by every user of the machine); the end of stdin is the end of the
parent, however it died, and ends this process as well.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence

READY = "ready"
"""Written to stdout, as a line, when the model is loaded and questions are taken."""


def main(args: Sequence[str]) -> int:
    options = _options(args)
    # The default action ends the process at once, also in the middle of native code; Ctrl-C in a
    # terminal is for the parent, which then closes our stdin.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    wire = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever native code prints is log, not wire
    api_key = sys.stdin.readline().strip()
    threading.Thread(target=_leave_with_parent, daemon=True).start()

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.model_alias = {options.name}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.reuse_port = True  # the parent holds the port for us
    params.api_keys = [api_key]
    params.cors_origins = ""  # no web page has any business here
    params.n_ctx = options.context
    params.n_parallel = 1
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.sampling.temp = 0.2  # a small model wanders off at the usual 0.8
    params.sampling.top_p = 0.9
    params.use_jinja = True
    params.ui = False
    server = xllamacpp.Server(params)  # returns when the model is loaded
    wire.write(f"{READY}\n")
    threading.Event().wait()
    del server
    return 0


def _die_with_parent() -> None:
    """While a model loads, native code holds the interpreter and nobody reads stdin: there the
    Linux kernel helps. Elsewhere the end of the parent is noticed when the model is loaded."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _leave_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _options(args: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="strixdesk --worker llama")
    parser.add_argument("--model", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--context", type=int, required=True)
    return parser.parse_args(args)
