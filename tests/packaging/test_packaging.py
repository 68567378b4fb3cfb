"""What is shipped: the wheel, the menu entry, the app bundle's papers."""

from __future__ import annotations

import configparser
import plistlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import pytest

from strixdesk import __version__

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    assert path.name == f"strixdesk-{__version__}-py3-none-any.whl"
    return zipfile.ZipFile(path)


def test_given_the_wheel_then_it_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    package = ROOT / "src" / "strixdesk"
    files = {
        path.relative_to(ROOT / "src").as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = {name for name in wheel.namelist() if name.startswith("strixdesk/")}
    assert "strixdesk/py.typed" in shipped
    assert any(name.startswith("strixdesk/ui/resources/") for name in shipped)
    assert shipped == files


def test_given_the_wheel_then_it_brings_the_command_and_the_licence(
    wheel: zipfile.ZipFile,
) -> None:
    info = f"strixdesk-{__version__}.dist-info"
    points = configparser.ConfigParser()
    points.read_string(wheel.read(f"{info}/entry_points.txt").decode())
    assert dict(points["console_scripts"]) == {"strixdesk": "strixdesk.__main__:main"}
    licence = wheel.read(f"{info}/licenses/LICENSE").decode()
    assert "GNU GENERAL PUBLIC LICENSE" in licence
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert "License-Expression: GPL-3.0-or-later" in metadata
    assert "Requires-Dist: pyside6-essentials<6.12,>=6.11.3" in metadata


def test_given_the_menu_entry_then_it_starts_the_command_with_the_programs_icon() -> None:
    path = PACKAGING / "linux" / "strixdesk.desktop"
    section, *lines = path.read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines)
    assert section == "[Desktop Entry]"
    assert (fields["Type"], fields["Name"], fields["Exec"]) == (
        "Application",
        "StrixDesk",
        "strixdesk",
    )
    assert fields["Terminal"] == "false"
    assert fields["Categories"].endswith(";")
    assert fields["Keywords"].endswith(";")
    assert (ROOT / "assets" / "icons" / f"{fields['Icon']}-256.png").is_file()
    if validate := shutil.which("desktop-file-validate"):
        subprocess.run([validate, str(path)], check=True)


def test_given_the_metainfo_then_it_names_entry_licence_and_command() -> None:
    path = PACKAGING / "linux" / "strixdesk.metainfo.xml"
    root = ET.parse(path).getroot()  # noqa: S314 — our own file
    assert root.findtext("project_license") == "GPL-3.0-or-later"
    assert root.findtext("launchable") == "strixdesk.desktop"
    assert root.findtext("provides/binary") == "strixdesk"
    assert root.findtext("icon") == "strixdesk"


def plist(name: str) -> dict[str, Any]:
    content: dict[str, Any] = plistlib.loads((PACKAGING / "macos" / name).read_bytes())
    return content


def test_given_the_app_bundle_then_it_says_why_it_wants_the_microphone() -> None:
    assert "talk key" in plist("Info.plist")["NSMicrophoneUsageDescription"]
    assert plist("entitlements.plist")["com.apple.security.device.audio-input"] is True


def test_given_the_spec_then_it_is_python_and_names_what_cannot_be_seen() -> None:
    text = (PACKAGING / "strixdesk.spec").read_text()
    compile(text, "strixdesk.spec", "exec")
    for name in ("faster_whisper", "piper", "xllamacpp", "strixdesk.voice.stt_worker"):
        assert f'"{name}"' in text
    for module in ("app", "composition", "voice/stt_worker", "voice/tts_worker"):
        assert (ROOT / "src" / "strixdesk" / f"{module}.py").is_file()
