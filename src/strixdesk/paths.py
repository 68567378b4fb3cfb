"""Where things are kept, after each platform's custom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs


@dataclass(frozen=True, slots=True)
class Paths:
    config_file: Path
    data_dir: Path
    log_dir: Path

    @classmethod
    def standard(cls, config_file: Path | None = None, data_dir: Path | None = None) -> Self:
        """The platform's own places; a data folder of the user's holds everything but the file."""
        dirs = platformdirs.PlatformDirs("strixdesk", appauthor=False)
        return cls(
            config_file=config_file or dirs.user_config_path / "strixdesk.toml",
            data_dir=data_dir or dirs.user_data_path,
            log_dir=data_dir / "logs" if data_dir else dirs.user_log_path,
        )

    @property
    def history_file(self) -> Path:
        return self.data_dir / "history.sqlite3"

    @property
    def attachments_dir(self) -> Path:
        """Pictures, named by the sha256 of their bytes."""
        return self.data_dir / "attachments"

    @property
    def recordings_dir(self) -> Path:
        """Utterances whose transcript is not stored yet."""
        return self.data_dir / "recordings"

    @property
    def models_dir(self) -> Path:
        """Recognisers and voices that were fetched."""
        return self.data_dir / "models"
