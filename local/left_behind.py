"""Stops what a run has started when the run itself is killed: `python -m local.left_behind`, beside every run.

Whoever is killed outright stops nobody. This one reads what was started from a pipe, a process group a line. The pipe
closes when the run ends, however that is, on Linux and macOS alike; one that ends well has stopped this one before.
"""

import os
import signal
import sys
import time
from contextlib import suppress

PATIENCE = 8.0


def stop_all(groups: list[int], patience: float = PATIENCE) -> None:
    """Stop process groups: gently first."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            _reached(group, sign)
        until = time.monotonic() + patience
        while (groups := [group for group in groups if _reached(group, 0)]) and time.monotonic() < until:
            time.sleep(0.1)


def _reached(group: int, sign: int) -> bool:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, sign)
        return True
    return False


if __name__ == "__main__":
    stop_all([int(line) for line in sys.stdin])
