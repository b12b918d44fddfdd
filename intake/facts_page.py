"""The page of all kinds of fact, made from the code: `python -m intake.facts_page > docs/facts.md`."""

import inspect

from models.facts import KINDS, Fact, payload_fields
from models.forms import in_words

_WHO = {"staff": "staff", "provider": "staff or the provider", "adviser": "an adviser or service manager"}
_HEAD = """# Facts

What people report, in the order it usually happens. A fact about the case touches every pathway in it. Each is recorded
with `pathways record ABOUT FACT name=value ... --by CODE`, with the `record` form, or in a [file](files/facts.md).

| fact | what it says | about | who records it | its details | after |
|---|---|---|---|---|---|"""


def page() -> str:
    return "\n".join([_HEAD, *(_row(kind) for kind in KINDS.values() if kind.kind != "requested")]) + "\n"


def _row(kind: type[Fact]) -> str:
    says = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ") if kind.__doc__ else ""
    says = says if says and says != inspect.getdoc(Fact) else f"{kind.label[0].upper()}{kind.label[1:]}."
    details = "; ".join(
        f"`{name}`{'' if field.is_required() else ' (optional)'}: {_form(field)}"
        for name, field in payload_fields(kind).items()
    )
    needs = ", ".join(f"`{need}`" for need in kind.needs)
    return f"| `{kind.kind}` | {says} | {kind.about} | {_WHO[kind.by]} | {details} | {needs} |"


def _form(field: object) -> str:
    words = in_words(field.annotation)  # type: ignore[attr-defined]
    return "a code" if words == "text" else words


if __name__ == "__main__":
    print(page(), end="")
