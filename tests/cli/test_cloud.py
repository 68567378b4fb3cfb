"""`strixdesk cloud`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from strixdesk.cli.main import main


def test_a_role_is_switched_to_the_cloud_and_back_in_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    text = '# mine\n[[tiers]]\nname = "claude"\nbase_url = "https://api.example/v1"\ncloud = true\n'
    config.write_text(text)
    common = ["--config", str(config), "--data-dir", str(tmp_path / "data")]
    assert main([*common, "cloud", "on", "orchestrator"]) == 0
    assert tomllib.loads(config.read_text())["cloud"] == {"orchestrator": "claude"}
    assert main([*common, "cloud", "off", "orchestrator"]) == 0
    assert not tomllib.loads(config.read_text()).get("cloud")
    assert config.read_text().startswith("# mine")
