"""Settings: built-in defaults, then `pathways.toml` in the home folder, then environment variables PATHWAYS_..."""

import os
import re
from contextlib import suppress
from datetime import time
from functools import lru_cache
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

HERE = Path(__file__).resolve().parent


def _home() -> Path:
    return Path(os.environ.get("PATHWAYS_HOME") or HERE / "data").expanduser().resolve()


class Section(BaseModel):
    """A part of the settings: a name it does not know is a slip, and what it should have set is not."""

    model_config = ConfigDict(extra="forbid")


def _clock(given: Any) -> time:
    """A time of day. Pydantic would take a number too, for seconds since midnight."""
    if isinstance(given, time):
        return given
    with suppress(ValueError):
        if isinstance(given, str) and re.fullmatch(r"\d\d:\d\d(:\d\d)?", given):
            return time.fromisoformat(given)
    raise ValueError("it is a time of day, such as 08:00")


Clock = Annotated[time, BeforeValidator(_clock)]


class Channel(Section):
    """Where messages go, as an Apprise URL, and which recipients' messages go there.

    `{address}` in the URL stands for the recipient's address; a URL without it has one fixed audience (a Teams room).
    """

    url: str
    roles: list[str] = ["*"]
    """Roles served ("provider", "adviser", "service_manager", ...); "*" is everybody."""
    occasions: list[str] = ["*"]
    """Occasions served, by their names in `wording.toml` ("referral", "new-risk", ...), or "digest"; "*" is all."""

    @property
    def reaches_one(self) -> bool:
        """Whether what goes there reaches its recipient's mailbox and nobody else: a room is not for links or codes."""
        return self.url.startswith("pathways-mail") or "{address}" in self.url

    def serves(self, role: str, occasion: str) -> bool:
        return {"*", role} & set(self.roles) != set() and {"*", occasion} & set(self.occasions) != set()


class Sending(Section):
    """When mail may go out, in Europe/London [assumption]. What is marked urgent goes at any hour."""

    days: Literal["working", "any"] = "working"
    opens: Clock = time(8)
    closes: Clock = time(18)
    batch: int = Field(default=50, ge=1)
    claim_minutes: int = Field(default=5, ge=1)
    retry_minutes: list[int] = [1, 5, 15, 60, 240, 720]
    """Waits after a passing failure; after the last of them the message is put on the list of failed ones."""

    @model_validator(mode="after")
    def _open_at_all(self) -> "Sending":
        if self.opens >= self.closes:
            raise ValueError("opens comes before closes: nothing could be sent otherwise")
        return self


SHORTEST_KEY = 32


def long_enough(keys: list[str]) -> list[str]:
    if any(len(key.strip()) < SHORTEST_KEY for key in keys):
        raise ValueError(f"a key is drawn by lot and has at least {SHORTEST_KEY} characters; one of these is shorter")
    return keys


class Site(Section):
    """The pages on which providers and advisers answer what they owe."""

    url: str = ""
    """Where people reach it, as in https://pathways.example; this machine when empty."""
    listens: str = "127.0.0.1"
    """The address it listens on."""
    hosts: list[str] = []
    """Host names it answers to; that of `url` when empty."""
    proxies: list[str] = []
    """Addresses of proxies in front of it, whose word for a visitor's address is taken."""
    certificate: Path | None = None
    certificate_key: Path | None = None
    """Its own TLS certificate and key, where no proxy does that."""
    keys: list[str] = []
    """What return links are signed with, the newest last; a file in `home` when empty."""
    link_days: int = Field(default=10, ge=1)
    """Working days for which a return link is worth something [assumption]."""
    code_minutes: int = Field(default=10, ge=1)
    """How long a six-digit code may be typed in [assumption]."""
    code_tries: int = Field(default=5, ge=1)
    session_minutes: int = Field(default=60, ge=1)
    """How long a code is good for, once typed in [assumption]."""
    reading_hours: int = Field(default=8, ge=1)
    """How long a link, once opened, shows what is owed before it is opened again [assumption]."""
    correction_days: int = Field(default=1, ge=0)
    """Working days after its recording until which a provider corrects an answer itself [assumption]."""
    receipt_days: int = Field(default=5, ge=0)
    """Working days after that for which its receipt is still listed [assumption]."""
    upload_megabytes: int = Field(default=2, ge=1)
    upload_rows: int = Field(default=2000, ge=1)
    requests: str = "240/minute"
    """How many requests one address may make, and one link."""
    askings: str = "5/hour"
    """How many links or codes are sent to one mailbox, and asked for from one address times ten."""

    @field_validator("url")
    @classmethod
    def _whole(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^/?#@\s]+/?", url):
            raise ValueError("it is where people reach the site, such as https://pathways.example, without a path")
        return url

    _long = field_validator("keys")(long_enough)

    @field_validator("requests", "askings")
    @classmethod
    def _rate(cls, rate: str) -> str:
        from limits import parse

        with suppress(ValueError):
            if parse(rate).amount > 0:
                return rate
        raise ValueError("it is a number and a time, such as 240/minute or 5/hour")


class Sessions(Section):
    """Which sessions can be meant [assumption]: any other is a slip of whoever typed it, and is refused."""

    opens: Clock = time(7)
    closes: Clock = time(22)
    """When a session begins at the earliest and ends at the latest, by the clocks in London."""
    hours: dict[str, int] = {"SPIP": 5, "CPPP": 4}
    """How long one may be in each programme: SPIP's four hours (board2010), with breaks."""
    months_ahead: int = Field(default=18, ge=1)
    """How far ahead one may be fixed."""


HIGHEST_PORT = 65535
Port = Annotated[int, Field(ge=1, le=HIGHEST_PORT)]


class Ports(Section):
    prefect: Port = 4200
    site: Port = 8000
    mailbox: Port = 8025
    smtp: Port = 2525
    strand_mailbox: Port = 8026
    strand_smtp: Port = 2526
    """The restricted strand's own mailbox: nobody reads both (SR-11)."""


class BadSettings(Exception):
    """The settings file cannot be read."""


class RestrictedOff(Exception):
    """The restricted database is out of reach of this machine."""


OFF = "none"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PATHWAYS_", env_nested_delimiter="__", extra="forbid")

    home: Path = Field(default_factory=_home)
    """The one folder that holds all state: settings file, database, Prefect's own, mail of the local mailbox, logs."""
    database: str = ""
    """A SQLAlchemy URL; empty is SQLite in `home`."""
    restricted_database: str = ""
    """Where the strand is kept that nothing else may see (SR-11): a SQLAlchemy URL; empty is SQLite in `home`, "none"
    is out of reach of this machine."""
    restricted_link: str = "pathways restricted show {reference}"
    """What a reference in that strand's own mail leads to."""
    restricted_channels: dict[str, Channel] = {}
    """That strand's own channels: none of `channels` ever carries its mail."""
    personal_keys: list[str] = []
    """What personal details are encrypted with, the newest last; a file in `home` when empty, beside SQLite only."""
    restricted_personal_keys: list[str] = []
    """The same in the restricted database."""
    retention: dict[str, int] = {}
    """How many months after their end the pathways of a programme are kept with what is personal; for ever when empty.

    `pathways personal erase --expired` erases what is past that."""
    limits: Path = HERE / "models" / "limits.toml"
    profile: Literal["composite", "dated"] = "dated"
    """"dated" keeps each service's real closing date; "composite" leaves it out, for demonstration."""
    link: str = ""
    """What a reference in a mail links to, with {reference} in it; a return link to the site when empty."""
    site: Site = Site()
    sender: str = "Case Pathways <no-reply@pathways.example>"
    mail_domain: str = "pathways.example"
    """The domain of Message-IDs."""
    channels: dict[str, Channel] = {}
    sending: Sending = Sending()
    sessions: Sessions = Sessions()
    ports: Ports = Ports()
    sent_log: str = "sent.log"
    """Where what went out is written down, in `home` or by its whole path: best not on the database's own disk."""
    prefect_api: str = ""
    """The address of Prefect's API; the one on this machine when empty."""
    audit_keys: list[str] = []
    """What the audit trail is sealed with, the newest last. Without any, whoever owns the database could make the whole
    trail anew, and only a head kept elsewhere would show it."""
    batch: int = Field(default=500, ge=1)
    show_runs_up_to: int = Field(default=1000, ge=0)
    """Of how many pathways that one sweep moved a run is left in Prefect: each costs it about 60 ms, a hundred
    times what it costs to advance one. The others show when they next move alone, and in `caseload` at once."""
    show_steps_up_to: int = 60
    """A run that moved more pathways than this leaves out their steps artifacts: each costs Prefect about 40 ms."""

    @model_validator(mode="after")
    def _this_machine(self) -> "Settings":
        self.prefect_api = self.prefect_api or f"http://127.0.0.1:{self.ports.prefect}/api"
        self.site.url = (self.site.url or f"http://127.0.0.1:{self.ports.site}").rstrip("/")
        return self

    @property
    def run_link(self) -> str:
        """Where the runs of a pathway are seen in the Prefect UI, with {reference} in it."""
        return f"{self.prefect_api.removesuffix('/api')}/v2/runs?flow-run-search={{reference}}"

    _long = field_validator("personal_keys", "restricted_personal_keys", "audit_keys")(long_enough)

    @field_validator("retention")
    @classmethod
    def _positive(cls, months: dict[str, int]) -> dict[str, int]:
        if any(number < 1 for number in months.values()):
            raise ValueError("a retention period is a number of months, from 1 on")
        return {programme.upper(): number for programme, number in months.items()}

    @field_validator("restricted_database")
    @classmethod
    def _none(cls, url: str) -> str:
        return OFF if url.strip().casefold() == OFF else url

    @field_validator("database", "restricted_database")
    @classmethod
    def _found_from_anywhere(cls, url: str, info: ValidationInfo) -> str:
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        if not url or (url, info.field_name) == (OFF, "restricted_database"):
            return url
        try:
            file, kind = sqlite_file(url), make_url(url).drivername
        except ArgumentError:
            raise ValueError("it is no address of a database, such as postgresql://user@host/name") from None
        if kind not in ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg"):
            raise ValueError("it is a database of SQLite or PostgreSQL, such as postgresql://user@host/name")
        if file and not file.is_absolute():
            raise ValueError("a SQLite file is named by its whole path, sqlite:////srv/pathways/data.db for example")
        return url

    @model_validator(mode="after")
    def _kept_apart(self) -> "Settings":
        if self.restricted_database == OFF:
            return self
        if _place(self.restricted_database or f"sqlite:///{self.home / 'restricted.db'}") == _place(self.database_url):
            raise ValueError("the restricted database must be another than the database (SR-11)")
        return self

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.home / 'pathways.db'}"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, **other: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        return init_settings, env_settings, _file(settings_cls, _home() / "pathways.toml")


def _file(settings_cls: type[BaseSettings], path: Path) -> PydanticBaseSettingsSource:
    try:
        return TomlConfigSettingsSource(settings_cls, path)
    except (TOMLDecodeError, UnicodeDecodeError) as bad:
        raise BadSettings(f"Settings: {path} cannot be read as TOML: {bad}.") from None
    except OSError as bad:
        raise BadSettings(f"Settings: {path} cannot be read: {bad.strerror}.") from None


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL, written as a path or as a "file:" address; None where there is none."""
    from sqlalchemy import make_url

    made = make_url(url)
    name = made.database or ""
    if made.get_backend_name() != "sqlite" or name in ("", ":memory:"):
        return None
    if not name.startswith("file:"):
        return Path(name)
    address = urlsplit(name)
    return None if address.path == ":memory:" else Path(unquote(address.path))


def _place(url: str) -> tuple[str, ...]:
    """Where a database is, however its URL is spelled: the file, or host, port and name."""
    from sqlalchemy import make_url

    if file := sqlite_file(url):
        return ("sqlite", os.path.realpath(file))
    made = make_url(url)
    host = str(made.host or made.query.get("host", "")).casefold()
    host = "" if host in ("localhost", "127.0.0.1", "::1") else host
    name = made.database or made.query.get("dbname") or made.username or ""
    return (made.get_backend_name(), host, str(made.port or made.query.get("port", 5432)), str(name))


def restricted(settings: Settings) -> Settings:
    """The settings of the restricted strand. Raises RestrictedOff where it is out of reach."""
    if settings.restricted_database == OFF:
        raise RestrictedOff('The restricted strand is out of reach of this machine (restricted_database = "none").')
    of_its_own = {
        "database": settings.restricted_database or f"sqlite:///{settings.home / 'restricted.db'}",
        "link": settings.restricted_link,
        "channels": settings.restricted_channels,
        "sent_log": str(Path(settings.sent_log).with_name(f"restricted-{Path(settings.sent_log).name}")),
        "mail_domain": f"strand.{settings.mail_domain}",  # messages are numbered as those of the other database are
    }
    return settings.model_copy(update=of_its_own)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings in force, read once."""
    return Settings()
