"""The CPPP pilot's printed figures (cppp2020) beside those the records give."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from reports.cppp import FIGURES, Evaluation

PRINTED = Path(__file__).with_name("cppp_pilot.toml")


@cache
def pilot() -> dict[str, Any]:
    return tomllib.loads(PRINTED.read_text(encoding="utf-8"))


def is_pilots(made: Evaluation) -> bool:
    """Whether the cohort is the one the pilot was evaluated on."""
    return (made.cohort.offered_from, made.cohort.offered_to) == (pilot()["offered_from"], pilot()["offered_to"])


def compared(made: Evaluation) -> list[dict[str, str]]:
    """Each printed figure, what the records give, and whether they agree; nothing where the cohort is another."""
    return [_compared(made, printed) for printed in pilot()["printed"]] if is_pilots(made) else []


def _compared(made: Evaluation, printed: dict[str, Any]) -> dict[str, str]:
    figure = next(one for one in FIGURES if one.name == printed["figure"])
    value, why_not = made.value(figure.name), _why_not(made, printed)
    said = {name: printed[name] for name in ("count", "percent", "mean") if name in printed}
    agrees = all(getattr(value, name) == number for name, number in said.items())
    return {
        "figure": figure.label,
        "unit": figure.unit,
        "printed": ", ".join(f"{number}{'%' if name == 'percent' else ''}" for name, number in said.items()),
        "of": printed["basis"],
        "rebuilt": "" if why_not else str(value),
        "agrees": why_not or ("yes" if agrees else "no"),
    }


def _why_not(made: Evaluation, printed: dict[str, Any]) -> str:
    """Why a printed figure cannot be compared with this report: it is of another day, or tracks others."""
    as_at, tracked = made.cohort.as_at, printed.get("tracked_before")
    if as_at < printed["first"] or as_at > printed.get("last", as_at):
        return "not compared: of another day"
    if tracked and made.cohort.tracked_before != tracked:
        return f"not compared: it tracks who completed before {tracked:%d/%m/%Y}"
    return ""


def notes() -> list[str]:
    """What does not add up in the paper itself."""
    return [note["text"] for note in pilot()["notes"]]


def not_rebuilt() -> list[dict[str, str]]:
    """What the paper prints and no record of ours can give."""
    return [{**one, "source": pilot()["source"]} for one in pilot()["not_rebuilt"]]
