"""The page of all kinds of fact, made from the code: `python -m intake.facts_page > docs/facts.md`."""

import inspect
from typing import Any

from intake.rows import REPORTABLE
from models.facts import Fact, payload_fields
from models.forms import in_words

_WHO = {
    "staff": "staff",
    "provider": "staff or the provider",
    "adviser": "an adviser or service manager",
    "manager": "a service manager",
}
_HEAD = """# Facts

What people report, in the order it usually happens: first what is about a case, which touches every pathway in it; then
what is about one pathway of any programme, and what belongs to some programmes only. Each is recorded with
`pathways record ABOUT FACT name=value ... --by CODE`, with the `record` form, or in a [file](files/facts.md). "After"
names the facts of which one must be known before."""
_COLUMNS = """| fact | what it says | who records it | its details | after |
|---|---|---|---|---|"""


def page() -> str:
    """The whole page: a table for each group of kinds, under the name of the group."""
    groups: dict[str, list[type[Fact]]] = {}
    for kind in REPORTABLE.values():
        groups.setdefault(_group(kind), []).append(kind)
    return "\n\n".join([_HEAD, *(_table(name, kinds) for name, kinds in groups.items())]) + "\n"


def _group(kind: type[Fact]) -> str:
    if kind.about == "case":
        return "The case"
    return " and ".join(kind.of) or "A pathway of any programme"


def _table(name: str, kinds: list[type[Fact]]) -> str:
    return "\n".join([f"## {name}", "", _COLUMNS, *map(_row, kinds)])


def _row(kind: type[Fact]) -> str:
    details = "; ".join(f"{_name(name, field)}: {_form(field)}" for name, field in payload_fields(kind).items())
    needs = ", ".join(f"`{need}`" for need in kind.needs)
    return f"| `{kind.kind}` | {_says(kind)} | {_WHO[kind.by]} | {details} | {needs} |"


def _says(kind: type[Fact]) -> str:
    """Its docstring up to the first empty line, or its label where it has none of its own."""
    own = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
    return own.split("\n\n")[0].replace("\n", " ") or f"{kind.label[0].upper()}{kind.label[1:]}."


def _name(name: str, field: Any) -> str:
    return f"`{name}`" if field.is_required() else f"`{name}` (optional)"


def _form(field: Any) -> str:
    words = in_words(field.annotation)
    return "a code" if words == "text" else words


if __name__ == "__main__":
    print(page(), end="")
