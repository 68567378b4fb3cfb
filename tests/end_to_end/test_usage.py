"""`strixdesk usage` after real answers, and a key that stays where it belongs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.llama import start_llama

pytestmark = pytest.mark.engine

KEY = "zq-71c0e5d2-not-to-be-seen"
KEYRING = f'''
from keyring.backend import KeyringBackend


class OneKey(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return "{KEY}" if (service, username) == ("strixdesk", "work") else None

    def set_password(self, service, username, password):
        raise AssertionError
'''


def test_a_real_answer_is_in_the_book_and_its_key_nowhere(tmp_path: Path) -> None:
    keyring, data = tmp_path / "keyring", tmp_path / "data"
    keyring.mkdir()
    (keyring / "onekey.py").write_text(KEYRING)
    server = start_llama()
    try:
        settings = tmp_path / "settings.toml"
        settings.write_text(
            "[usage]\nmonthly_budget_usd = 5.0\n[chat]\nmax_answer_tokens = 64\n"
            f'[[tiers]]\nname = "claude"\nbase_url = "{server.tier().base_url}"\n'
            'key_name = "work"\nprice = { input = 3.0, output = 15.0 }\n'
        )

        def strixdesk(*arguments: str) -> str:
            common = ["--config", str(settings), "--data-dir", str(data), "--verbose"]
            done = subprocess.run(
                [sys.executable, "-m", "strixdesk", *common, *arguments],
                capture_output=True,
                text=True,
                timeout=300,
                env={
                    **os.environ,
                    "PYTHONPATH": str(keyring),
                    "PYTHON_KEYRING_BACKEND": "onekey.OneKey",
                },
                check=False,
            )
            assert KEY not in done.stdout + done.stderr
            print(done.stderr)  # noqa: T201 — shown when the test fails
            return done.stdout

        strixdesk("ask", "Say hello.", "--tier", "claude")
        assert "work: in the keychain" in strixdesk("key", "list")
        report = json.loads(strixdesk("usage", "--json"))
    finally:
        server.close()
    (tier,) = report["tiers"]
    assert (tier["tier"], tier["answers"], tier["estimated"]) == ("claude", 1, False)
    assert tier["completion_tokens"] > 0
    spent = (tier["prompt_tokens"] * 3 + tier["completion_tokens"] * 15) / 1_000_000
    assert report["spent_usd"] == pytest.approx(spent)
    assert report["reserved_usd"] == 0
    for file in (path for path in data.rglob("*") if path.is_file()):
        assert KEY.encode() not in file.read_bytes(), file
