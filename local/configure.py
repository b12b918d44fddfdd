"""The settings of a local run: written into the home folder when it starts, so that every command finds the same."""

from pathlib import Path
from typing import Any

from settings import Settings, settings

MARK = "# Written by `pathways run` for one machine."
LOCAL = (
    MARK
    + """ It is written anew at each start, with the ports of that start; take this line out to make it yours.
# Mail goes to the local mailbox only, so it may go out at any hour, and services of different years run side by side.
profile = "composite"

[sending]
days = "any"
opens = "00:00"
closes = "23:59:59"

[channels.mail]
url = "pathways-mail://127.0.0.1:{smtp}"

[restricted_channels.mail]
url = "pathways-mail://127.0.0.1:{strand_smtp}"

[ports]
prefect = {prefect}
site = {site}
mailbox = {mailbox}
smtp = {smtp}
strand_mailbox = {strand_mailbox}
strand_smtp = {strand_smtp}
"""
)


class _Asked(Settings):
    """The settings without the file of the home folder."""

    @classmethod
    def settings_customise_sources(cls, *sources: Any, **more: Any) -> tuple[Any, ...]:
        return super().settings_customise_sources(*sources, **more)[:2]


def asked() -> Settings:
    """The settings that a run starts with: a port that an earlier one was given from outside was for that one only."""
    without = _Asked()
    return settings() if _is_theirs(_file(without)) else without


def configured() -> Settings:
    """The settings in force, after writing those of a local run where the home folder has none of its owner's."""
    now = asked()
    path = _file(now)
    if not _is_theirs(path):
        path.touch(mode=0o600)
        path.chmod(0o600)  # one from before may be anybody's to read, and settings may hold passwords
        path.write_text(LOCAL.format(**now.ports.model_dump()), encoding="utf-8")
    settings.cache_clear()
    return settings()


def _file(now: Settings) -> Path:
    return now.home / "pathways.toml"


def _is_theirs(path: Path) -> bool:
    return path.exists() and not path.read_text(encoding="utf-8").startswith(MARK)
