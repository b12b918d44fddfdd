"""What the site sends by itself, at once and to one mailbox: a code, or a link. Neither is about any pathway."""

import logging
from collections.abc import Sequence
from datetime import datetime
from email.utils import make_msgid

from models.working_days import add_working_days, london_date, say
from notifications.channels import Channels, Undelivered, fit_to_send
from notifications.letters import Letter, of_the_site
from settings import Settings
from store.database import writing
from store.links import Holder, holders_at, issue
from web.visit import Site

log = logging.getLogger("pathways.site")


def send_code(settings: Settings, holder: Holder, code: str, now: datetime) -> bool:
    """Send six digits to a mailbox. False when they could not be handed over."""
    return _send(settings, holder, of_the_site("code", code=code, minutes=str(settings.site.code_minutes)), "", now)


def send_links(site: Site, mailbox: str, about: str) -> None:
    """Send a link for each who has this mailbox, to what they wanted to see; nothing where nobody has it."""
    now, settings = site.now(), site.settings
    with writing(site.engine) as connection:
        made = [(holder, issue(connection, holder, now, settings)) for holder in holders_at(connection, mailbox)]
    until = say(add_working_days(london_date(now), settings.site.link_days))
    for holder, link in made:
        letter = of_the_site("link", link.format(reference=about), owner=holder.code, until=until)
        _send(settings, holder, letter, link, now)


def _send(settings: Settings, holder: Holder, letter: Letter, link: str, now: datetime) -> bool:
    if why := fit_to_send(letter, link, frozenset()):
        log.warning("a message of the site was not sent: %s", why)
        return False
    number = make_msgid(domain=settings.mail_domain)
    with Channels(settings) as channels:
        for channel in _to_one_mailbox(settings, holder.role):
            try:
                channels.deliver(channel, letter, holder.mailbox, number, now)
            except Undelivered as why:
                log.warning("a message of the site was not taken: %s", why.code)
            else:
                return True
    return False


def _to_one_mailbox(settings: Settings, role: str) -> Sequence[str]:
    """The channels that reach this mailbox and nobody else: a room is none."""
    return [
        name for name, channel in settings.channels.items() if channel.serves(role, "sign-in") and channel.reaches_one
    ]
