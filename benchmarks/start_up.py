"""Cold start to the first painted frame, against a bare QMainWindow; and the window's memory.

Each round starts a fresh interpreter. The clock runs from before the process is made to the moment
at which the window has painted, which the process reports on stderr.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Row, median

WARM_S = 6.0
"""By then the recogniser, the voice and the starter are up."""
BARE = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, painted)

def painted():
    print("first paint", file=sys.stderr, flush=True)
    app.quit()

app = QApplication(sys.argv)
window = Window()
window.resize(1180, 760)
window.show()
app.exec()
"""


def _says(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise RuntimeError(f"{process.args!r} ended without saying {words}")


def _ms_until(words: str, command: list[str]) -> float:
    begun = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        _says(process, words)
        elapsed = (time.perf_counter() - begun) * 1000
        process.terminate()
    return elapsed


def _resident_mb(pid: int) -> float:
    """Proportional set size where the kernel tells it: shared pages are counted once."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel does not tell a process's memory")


def measure(rounds: int = 9) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        ours = [sys.executable, "-m", "strixdesk", "--verbose", "--data-dir", folder]
        bare = [sys.executable, "-c", BARE]
        triples = [
            (
                _ms_until("first paint", ours),
                _ms_until("first paint", bare),
                _ms_until("window filled", ours),
            )
            for _ in range(rounds + 1)
        ][1:]  # the first round only warms the disk's cache
        painted, peer, filled = (median(triple[i] for triple in triples) for i in range(3))
        rows = [
            Row("cold start → first paint", painted, peer, "ms", 1.6),
            Row("cold start → ready to type", filled, peer, "ms"),
        ]
        if Path("/proc/self/smaps_rollup").exists():
            with subprocess.Popen(ours, stderr=subprocess.PIPE, text=True) as process:
                _says(process, "session up")
                time.sleep(WARM_S)
                resident = _resident_mb(process.pid)
                process.terminate()
            rows.append(Row("window process, engines warm", resident, None, "MB", 150))
    return rows
