"""The settings of a local run: written once into the home folder, so that every command there finds the same."""

from settings import Settings, settings

MARK = "# Written by `pathways run` for one machine."
LOCAL = (
    MARK
    + """ It is written anew at each start; take this line out to make it yours.
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


def configured() -> Settings:
    """The settings in force, after writing those of a local run where the home folder has none."""
    now = settings()
    path = now.home / "pathways.toml"
    if not path.exists() or path.read_text(encoding="utf-8").startswith(MARK):
        path.touch(mode=0o600)
        path.chmod(0o600)  # one from before may be anybody's to read, and settings may hold passwords
        path.write_text(LOCAL.format(**now.ports.model_dump()), encoding="utf-8")
    settings.cache_clear()
    return settings()
