"""A message as it is read: subject, text and HTML, made from the notices it carries. References and links only."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from notifications.wording import Said, digest_wording, said, site_wording


class Notice(Protocol):
    """A notice as it is stored."""

    pathway: str
    wording: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str
    calendar: bytes | None = None
    """An invitation for the recipient's calendar, which goes with mail only."""


@cache
def _templates() -> Environment:
    folder = Path(__file__).with_name("templates")
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=lambda name: bool(name) and ".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def compose(notices: Sequence[Notice], role: str, bundle: str, link: str) -> Letter:
    """Put the notices of one message into words. Raises NotSayable (SR-12).

    `link` holds {reference}; what is no address is a command, and said as one.
    """
    lines = [said(notice.pathway, notice.wording, notice.fields) for notice in notices]
    late = sorted((one for one in lines if "lateness" in one.fields), key=lambda one: -int(one.fields["late"]))
    other = [one for one in lines if "lateness" not in one.fields]
    many = bundle.partition(":")[0]
    subject = _digest_subject(late, lines) if many == "digest" else lines[0].subject
    return _rendered(
        subject=subject, intro=_intro(many, role, late), late=late, other=other,
        link=lambda one: link.format(reference=_leads_to(one, link)), command="://" not in link,
    )  # fmt: skip


def _leads_to(one: Said, link: str) -> str:
    """What a line's link is about: a line of a receipt opens the receipt, where the link is one of the site's."""
    return one.fields.get("receipt", one.reference) if link.endswith("?about={reference}") else one.reference


def of_the_site(what: str, link: str = "", **fields: str) -> Letter:
    """What the site sends by itself: "code" or "link"; it is about no pathway."""
    text = site_wording()
    line = Said("", "", text[f"{what}_says"].format(**fields), {})
    subject = text[f"{what}_subject"].format(**fields)
    return _rendered(subject=subject, intro="", late=[], other=[line], link=lambda _: link, command=False)


def _rendered(**context: Any) -> Letter:
    render = _templates().get_template
    return Letter(context["subject"], render("mail.txt.j2").render(context), render("mail.html.j2").render(context))


def _digest_subject(late: list[Said], lines: list[Said]) -> str:
    text = digest_wording()
    if late:
        return text["subject_late"].format(count=len(late), first=late[0].subject)
    return text["subject"].format(count=len(lines))


def _intro(many: str, role: str, late: list[Said]) -> str:
    text = digest_wording()
    if many == "digest":
        return text["intro_provider" if role == "provider" and late else "intro"]
    return text["intro_receipt"] if many == "receipt" else ""
