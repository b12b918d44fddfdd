"""An environment for each peer, outside this project's own: made when it is first asked for, kept in a cache folder."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


class Missing(Exception):
    """A peer that cannot be run here. The text says why, for a person."""


def cache() -> Path:
    """Where the environments are kept unless somebody says otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "case-pathways" / "peers"


def python(peer: str, folder: Path) -> Path:
    """The Python of the peer's environment, made from its pinned requirements where it is not there yet.

    Raises Missing where the package registry does not give them.
    """
    pins = HERE / f"requirements-{peer}.txt"
    here = folder / f"{peer}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:8]}"
    if not (here / "made").exists():
        for command in (
            [sys.executable, "-m", "venv", "--clear", here],
            [here / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins],
        ):
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode:
                said = (made.stderr or made.stdout).strip().splitlines() or ["it said nothing"]
                raise Missing(f"{peer} could not be installed from {pins.name}: {said[-1]}")
        (here / "made").touch()
    return here / "bin/python"


def version(peer: str, package: str) -> str:
    """What the pinned requirements say of the package."""
    pins = (HERE / f"requirements-{peer}.txt").read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2] for line in pins if line.startswith(f"{package}=="))
