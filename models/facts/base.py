"""What people report: a class a kind, with what it carries, what it depends on and what it may not contradict.

A fact is never edited. A correction is a new fact that names the one it supersedes.
"""

import json
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from models.working_days import LONDON, london_date

Reference = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}$", max_length=40)]
"""An opaque reference or code: capitals, digits and hyphens. It must say nothing about a person."""

_LETTERS, _DIGITS = r"[A-Z]{1,5}", r"\d{1,5}"
_PART = rf"(?:(?:{_DIGITS})?(?:{_LETTERS}{_DIGITS})*{_LETTERS}|(?:{_LETTERS})?(?:{_DIGITS}{_LETTERS})*{_DIGITS})"
CODE = rf"{_PART}(?:-{_PART})*"
Code = Annotated[str, Field(pattern=rf"^{CODE}$", max_length=24)]
"""A code somebody makes up for a session, a venue, a risk or a hold: at most five letters, or five digits, in a row.

A name, a street or a telephone number does not fit into it (SR-11, SR-12).
"""


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment lies between the years 1 and 9999, in UTC too") from None


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A moment, in UTC in whatever zone it was told: told in two, it is the same."""


class Fact(BaseModel):
    """Something a person reported, about a pathway or about its whole case.

    `happened_on` is the day the thing happened, `recorded_at` when it was written down (UTC) and `recorded_by` the code
    of who wrote it. `told_already` says that the people concerned know it already (cases brought in from elsewhere):
    the notices it causes are written down as withheld and never sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str] = ""
    label: ClassVar[str] = ""
    about: ClassVar[Literal["pathway", "case"]] = "pathway"
    by: ClassVar[Literal["staff", "provider", "adviser", "manager"]] = "staff"
    """Who may record it: staff; its provider too; only advisers and service managers; or only service managers."""
    of: ClassVar[tuple[str, ...]] = ()
    """The programmes on whose pathways it can happen; all of them when empty."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Kinds of fact of which at least one must be known before this one can be."""
    one_per: ClassVar[tuple[str, ...] | None] = ()
    """The fields that tell two facts of this kind apart; None where only the day does."""
    restricted: ClassVar[bool] = False
    """Whether only the restricted strand knows this kind: nothing outside it offers or names it (SR-11)."""

    id: int = 0
    """Its number in the record."""
    place: int = 0
    """The number of what it corrects, all the way back; its own when it corrects nothing. Order and keys go by it."""
    happened_on: date
    recorded_at: Moment
    recorded_by: Reference
    """The code of a practitioner or provider."""
    told_already: bool = False
    supersedes: int | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.kind:
            (RESTRICTED if cls.restricted else KINDS)[cls.kind] = cls

    def __eq__(self, other: object) -> bool:
        # Facts are looked for among others all the time, and nearly always their numbers tell them apart.
        return self is other or (self.id == getattr(other, "id", None) and super().__eq__(other))

    def recorded_as(self, **about: Any) -> Self:
        """The same said in another place, on another day or by somebody else, by the fields that every fact has.

        They are not checked. It is what `model_copy` does, in about half the time; a sweep makes thousands.
        """
        made, keep = object.__new__(type(self)), object.__setattr__
        keep(made, "__dict__", {**self.__dict__, **about})
        keep(made, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        keep(made, "__pydantic_extra__", None)
        keep(made, "__pydantic_private__", None)
        return made

    @property
    def recorded_on(self) -> date:
        """The day it became known to us, in London: the day a duty it answers is met."""
        return london_date(self.recorded_at)

    @property
    def identity(self) -> str:
        """Two live facts about the same thing with the same identity are the same fact, or contradict each other."""
        told_apart_by = ("happened_on",) if self.one_per is None else self.one_per
        return "|".join([self.kind, *(str(getattr(self, field)) for field in told_apart_by)])

    def same_as(self, other: "Fact") -> bool:
        """Whether two facts about one subject have the same identity."""
        return self.kind == other.kind and self.identity == other.identity

    @property
    def content(self) -> tuple[str, date, str]:
        """What it says: two facts about one subject with the same content are one fact reported twice."""
        return self.kind, self.happened_on, json.dumps(self.payload, sort_keys=True)

    @property
    def payload(self) -> dict[str, Any]:
        """What this kind carries beyond the common fields, as JSON values."""
        return self.model_dump(mode="json", exclude=_COMMON, exclude_none=True)

    @property
    def details(self) -> dict[str, Any]:
        """What it carries as people read it: moments by the clock of London."""
        moments = {name: value for name in self.payload if isinstance(value := getattr(self, name), datetime)}
        return self.payload | {name: value.astimezone(LONDON).isoformat() for name, value in moments.items()}


KINDS: dict[str, type[Fact]] = {}
RESTRICTED: dict[str, type[Fact]] = {}
_COMMON = set(Fact.model_fields)


def payload_fields(kind: type[Fact]) -> dict[str, Any]:
    """The fields a kind of fact carries beyond the common ones."""
    return {name: field for name, field in kind.model_fields.items() if name not in _COMMON}


class Timed(Fact):
    """A fact that gives a session its hours, in UTC."""

    session: Code
    starts_at: Moment
    ends_at: Moment

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Timed":
        if self.ends_at <= self.starts_at:
            raise ValueError("a session ends after it starts")
        return self

    @property
    def session_on(self) -> date:
        return london_date(self.starts_at)

    @property
    def ends_on(self) -> date:
        return london_date(self.ends_at)
