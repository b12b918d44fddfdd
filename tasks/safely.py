"""Keeping what is personal out of Prefect: an unexpected error says what kind it was and where, and not a word more.

Prefect keeps the text of exceptions and the source lines of their tracebacks, so an error must be replaced before it
reaches the engine.
"""

import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
HOME = Path(__file__).parent.parent


class Fault(Exception):
    """{kind} at {place}; the details are in no log."""

    def __init__(self, kind: str, place: str) -> None:
        super().__init__(f"{kind} at {place}")


def safely(work: Callable[P, R]) -> Callable[P, R]:
    """Replace whatever `work` raises by a Fault that names the kind of error and the line of ours it came from."""

    @wraps(work)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        fault = None
        try:
            return work(*args, **kwargs)
        except Fault:
            raise
        except Exception as problem:
            fault = Fault(type(problem).__name__, _place(problem))
        # Outside the handler, so that the original is not even kept as the context of the new one.
        raise fault

    return guarded


def _place(problem: BaseException) -> str:
    ours = [
        f for f in traceback.extract_tb(problem.__traceback__) if ".venv" not in f.filename and str(HOME) in f.filename
    ]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "a library"
