"""Files of environment variables, as systemd, compose and a shell read them: NAME='value', a line each."""

import shlex
from pathlib import Path


def variables(file: Path) -> dict[str, str]:
    """The variables of a file, by name."""
    return dict(line.split("=", 1) for line in shlex.split(file.read_text(encoding="utf-8"), comments=True))
