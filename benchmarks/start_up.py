"""Cold start to the first painted frame, against a bare QMainWindow; and the window's memory.

Each round starts a fresh interpreter. The clock runs from before the process is made to the moment
at which the window has painted, which the process reports on stdout.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Row, median

BARE = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, painted)

def painted():
    print("painted", flush=True)
    app.quit()

app = QApplication(sys.argv)
window = Window()
window.resize(1180, 760)
window.show()
app.exec()
"""


def _first_paint_ms(command: list[str], environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        elapsed = (time.perf_counter() - begun) * 1000
        process.kill()
    assert line.strip() == "painted", f"{command} said {line!r}"
    return elapsed


def _resident_mb(pid: int) -> float:
    """Proportional set size where the kernel tells it: shared pages are counted once."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel does not tell a process's memory")


def measure(rounds: int = 9) -> list[Row]:
    environment = os.environ | {"STRIXDESK_REPORT_FIRST_PAINT": "1"}
    with tempfile.TemporaryDirectory() as folder:
        ours = [sys.executable, "-m", "strixdesk", "--data-dir", folder]
        bare = [sys.executable, "-c", BARE]
        pairs = [
            (_first_paint_ms(ours, environment), _first_paint_ms(bare, environment))
            for _ in range(rounds + 1)
        ][1:]
        rows = [
            Row(
                "cold start → first paint",
                median(pair[0] for pair in pairs),
                median(pair[1] for pair in pairs),
                "ms",
                1.6,
            )
        ]
        if Path("/proc/self/smaps_rollup").exists():
            with subprocess.Popen(
                ours, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
            ) as process:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(8)  # everything is warm by now, workers included
                rows.append(Row("window process, warm", _resident_mb(process.pid), None, "MB", 150))
                process.terminate()
    return rows
