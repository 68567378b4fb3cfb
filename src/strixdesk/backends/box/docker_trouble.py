"""What docker says when it does not do what it is asked, and what that means for a user."""

from __future__ import annotations

from strixdesk.core.errors import BoxError

_NO_COMPOSE = ("is not a docker command", "unknown command", "unknown shorthand flag")
"""Docker takes the words that follow `compose` for its own."""


def docker_trouble(status: int, said: str) -> BoxError:
    """Why docker did not answer, and what to do."""
    text = said.casefold()
    if status == 127 or ("not found" in text and "docker" in text):
        return BoxError(
            "Docker is not installed there.",
            "Install Docker with Compose 2 on the box, or add it to the path of ssh commands.",
        )
    if "permission denied" in text:
        return BoxError(
            "This user may not use docker there.",
            "Run `sudo usermod -aG docker $USER` on the box, then log in anew.",
        )
    if "cannot connect" in text or "is the docker daemon running" in text:
        return BoxError(
            "Docker's daemon is not running there.",
            "Run `sudo systemctl start docker` on the box; where docker is rootless, "
            "`docker context use rootless`.",
        )
    quote = " ".join(said.split())[:200] or f"status {status}"
    return BoxError(f"Docker does not answer there: “{quote.rstrip('.')}”.")


def lacks_compose(said: str) -> bool:
    """Docker is there; it was asked for something of compose."""
    return any(words in said for words in _NO_COMPOSE)


def no_compose() -> BoxError:
    return BoxError(
        "Docker is there, but Compose is not.",
        "Install the package docker-compose-plugin (or docker-compose-v2) on the box.",
    )
