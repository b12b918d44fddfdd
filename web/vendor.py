"""Fetch the GOV.UK Frontend assets that the site serves itself, from the npm registry: `python -m web.vendor`.

The fonts and the crown are for services on gov.uk only, so neither is kept and the style names Arial in their place.
"""

import base64
import hashlib
import io
import os
import re
import tarfile
from pathlib import Path

import httpx

VERSION = "6.3.0"
"""The version that `govuk-frontend-jinja` 4.1 writes its HTML for."""
INTEGRITY = "sha512-cXIQxm5PHCsbic47GXZrVBZhAeeshTLRL6ZBKilLsR6rMCjJuWb7Fruq0VUNMBJFlJk/srsRj/q8d5bM9cgKoA=="
REGISTRY = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
STATIC = Path(__file__).with_name("static")
_FROM = "package/dist/govuk/"
_KEPT = {"govuk-frontend.min.css": "govuk.css", "govuk-frontend.min.js": "govuk.js"}


def vendor() -> None:
    """Download the package, check its digest and keep what the site serves. Raises ValueError if it is another."""
    content = httpx.get(f"{REGISTRY}/govuk-frontend/-/govuk-frontend-{VERSION}.tgz", follow_redirects=True).content
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != INTEGRITY:
        raise ValueError(f"govuk-frontend {VERSION} is not the package that was looked at: {found}")
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        for name, ours in _KEPT.items():
            text = package.extractfile(_FROM + name).read().decode()
            (STATIC / ours).write_text(_ours(text), encoding="utf-8")


def _ours(text: str) -> str:
    text = re.sub(r"@font-face\{[^}]*\}", "", text).replace("GDS Transport,", "")
    text = text.replace("url(/assets/images/govuk-crest.svg)", "none")
    return re.sub(r"\n?(?:/\*|//)# sourceMappingURL=\S+(?: \*/)?", "", text)


if __name__ == "__main__":
    vendor()
