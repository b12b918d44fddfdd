"""A real browser on the real site over HTTP, and what is looked at on every page it shows."""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
import uvicorn
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.engine import free_ports, parts, wait_for
from tests.site import OpenSite
from tests.world import Office
from web.visit import COOKIE

WIDE, NARROW = 1100, 320
"""How wide a page is looked at, in pixels: the narrower is what a page of 1280 shows at 400%."""
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine; the tests fail where there is none, and say how to come by one."""
    path = os.environ.get("PATHWAYS_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if not path:
        how = "`sudo apt-get install chromium-headless-shell`, or say where it is by PATHWAYS_CHROMIUM=..."
        pytest.fail(f"Chromium is missing: {how}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


class Served:
    """The site over an office, answering HTTP on this machine. Use it with `with`."""

    def __init__(self, office: Office, *args: Any, **site: Any) -> None:
        port = free_ports("site")["site"]
        self.url = f"http://127.0.0.1:{port}"
        self.open = OpenSite(office, *args, url=self.url, **site)
        self.visited: set[tuple[str, str]] = set()
        self._server = uvicorn.Server(uvicorn.Config(self._asked, port=port, log_level="error", interface="asgi3"))
        self._thread = threading.Thread(target=self._server.run)

    async def _asked(self, scope: Any, receive: Any, send: Any) -> None:
        await self.open.app(scope, receive, send)
        if route := scope.get("route"):
            self.visited.add((scope["method"], route.path))

    def __enter__(self) -> "Served":
        self._thread.start()
        wait_for("the site to answer", lambda: self._server.started)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()


class Tab:
    """A tab of somebody's browser. What is wrong with what it shows gathers in `troubles`."""

    def __init__(
        self, browser: Browser, url: str, *, script: bool = True, width: int = WIDE, height: int = 800
    ) -> None:
        self.url, self.script, self.troubles = url, script, list[str]()
        size = {"width": width, "height": height}
        self.page = browser.new_context(base_url=url, java_script_enabled=script, viewport=size).new_page()
        self.page.set_default_timeout(10_000)
        self._watch(self.page)

    def _watch(self, page: Page) -> None:
        """Nothing is asked of anybody else, nothing is missing, and nobody complains: neither scripts nor policies."""
        page.on("request", lambda asked: self._ours(asked.url))
        page.on("response", lambda got: self._there(got.status, got.url, got.request.resource_type))
        page.on("pageerror", lambda error: self.troubles.append(f"a script failed: {error}"))
        page.on("console", lambda said: self._complains(said.type, said.text))

    def _ours(self, url: str) -> None:
        if not url.startswith((f"{self.url}/", "data:")):
            self.troubles.append(f"asked {urlsplit(url).netloc} for something")

    def _there(self, status: int, url: str, kind: str) -> None:
        if status >= 400 and kind != "document":
            self.troubles.append(f"{status} for {url}")

    def _complains(self, kind: str, text: str) -> None:
        # That a page which says what is wrong is no 200 is no complaint.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.troubles.append(f"the browser complains: {text}")

    # Going about ------------------------------------------------------------------------------------------------------

    def go(self, path: str) -> "Tab":
        self.page.goto(path)
        return self

    def press(self, button: str) -> "Tab":
        """Press a button, and wait for the page that comes."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).click()
        return self

    def follow(self, link: str | re.Pattern[str]) -> "Tab":
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=link).first.click()
        return self

    def downloads(self, role: Literal["link", "button"], name: str) -> str:
        """Ask for a file. Returns what it is called."""
        with self.page.expect_download() as given:
            self.page.get_by_role(role, name=name).click()
        return given.value.suggested_filename

    def choose(self, name: str, value: str) -> "Tab":
        """Choose one of the radios of this name."""
        self.page.locator(f"[name='{name}'][value='{value}']").check()
        return self

    def type(self, name: str, text: str) -> "Tab":
        """Type into the field of this name."""
        self.page.locator(f"[name='{name}']").fill(text)
        return self

    def on(self, name: str, day: int, month: int, year: int) -> "Tab":
        """Type a day into its three boxes."""
        return self.type(f"{name}-day", str(day)).type(f"{name}-month", str(month)).type(f"{name}-year", str(year))

    def answer(self, **answers: str) -> "Tab":
        """Choose in the list, by the row's reference, with "_" for "-"."""
        for reference, says in answers.items():
            row = self.page.locator("tr", has_text=reference.replace("_", "-"))
            row.locator("select").first.select_option(label=says)
        return self

    @property
    def says(self) -> str:
        return self.page.locator("main").inner_text()

    @property
    def errors(self) -> list[str]:
        """What the error summary says."""
        return self.page.locator(".govuk-error-summary__list li").all_inner_texts()

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def enter(self, site: OpenSite, role: str, code: str, *, verified: bool = False) -> "Tab":
        """Open somebody's link; with a code typed in, where that is wanted."""
        self.go(f"{site.link(role, code)}/open")
        if verified:
            kept = self.page.context.cookies()
            site.verify_session(next(one["value"] for one in kept if one["name"] == COOKIE))
        return self

    # Looking ----------------------------------------------------------------------------------------------------------

    def look(self, what: str, widths: Sequence[int] = (NARROW, WIDE)) -> "Tab":
        """See to it that what is shown is sound, wide and narrow. axe is a script, and only looks where scripts run."""
        page, size = self.page, self.page.viewport_size
        if self.script:
            page.evaluate(AXE_SCRIPT)
        for width in widths:
            page.set_viewport_size({**size, "width": width})
            found = [*page.evaluate(RULES), *(page.evaluate(AXE) if self.script else [])]
            self.troubles += [f"{what} ({self.path}, {width} px): {trouble}" for trouble in found]
        if width != size["width"]:
            page.set_viewport_size(size)
        return self

    def stops(self, key: str) -> Iterator[dict[str, Any]]:
        """Where the focus goes with each press of a key, until it is nowhere."""
        for _ in range(200):
            self.page.keyboard.press(key)
            if not (stop := self.page.evaluate(FOCUS)):
                break
            yield stop


def link_in(mail: EmailMessage) -> str:
    """The return link that a mail holds."""
    return re.search(r"http\S+/l/\S+", parts(mail)["text/plain"])[0]


def code_in(mail: EmailMessage) -> str:
    return re.search(r"\b\d{6}\b", parts(mail)["text/plain"])[0]


@contextmanager
def routed(page: Page, which: str | re.Pattern[str], does: Callable[[Route], None]) -> Iterator[None]:
    """Answer requests of a page ourselves meanwhile."""
    page.route(which, does)
    yield
    page.unroute(which)


AXE = """async () => {
  const rules = {"target-size": {enabled: true}};
  const found = await axe.run({resultTypes: ["violations"], rules});
  return found.violations.map(one => `${one.id}: ${one.help} ${one.nodes.slice(0, 3).map(node => node.html).join(" ")}`);
}"""

RULES = """() => {
  const found = [], page = document.documentElement, all = query => [...document.querySelectorAll(query)];
  const words = element => element.textContent.replace(/\\s+/g, " ").trim();
  const described = element => {
    let said = "";
    for (; element; element = element.parentElement)
      for (const id of (element.getAttribute("aria-describedby") || "").split(" "))
        said += id && document.getElementById(id) ? words(document.getElementById(id)) + " " : "";
    return said;
  };
  for (const folded of all("details")) folded.open = true;
  if (page.scrollWidth > page.clientWidth) found.push(`it is ${page.scrollWidth} px wide`);
  if (all("h1").length !== 1) found.push("it has not one heading");
  if (document.title.startsWith("Error: ") !== Boolean(all(".govuk-error-summary").length))
    found.push(`it is called "${document.title}"`);
  for (const line of all(".govuk-error-summary__list li")) {
    const link = line.querySelector("a"), field = link && document.getElementById(link.hash.slice(1));
    if (!link) continue;
    const typed = field && field.matches("input, select, textarea, button");
    if (!field || !(typed || field.matches("[tabindex]")) || !field.checkVisibility())
      found.push(`"${words(line)}" leads to no field`);
    else if (typed && !described(field).includes(words(line))) found.push(`"${words(line)}" is not said at its field`);
  }
  const ids = all("[id]").map(element => element.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) found.push(`two things are called ${id}`);
  for (const name of all("tbody th, h1, .site-reference")) {
    const range = document.createRange();
    range.selectNodeContents(name);
    const lines = new Set([...range.getClientRects()].map(box => Math.round(box.bottom)));
    if (/^\\S+-\\S+$/.test(words(name)) && lines.size > 1) found.push(`${words(name)} is broken`);
  }
  return found;
}"""
"""What must hold of a page besides: it fits, its title says what it shows, references stand on one line, and each error
leads to its field and is said there."""

FOCUS = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);  // what has the focus comes into view
  const at = document.activeElement;
  if (at === document.body) return null;
  const box = at.getClientRects()[0], bar = document.querySelector(".site-bar"), over = bar?.getBoundingClientRect();
  const covered = bar && !bar.contains(at) && box.bottom > over.top && box.top < over.bottom;
  const shown = box.top >= 0 && box.bottom <= innerHeight && getComputedStyle(at).outlineStyle !== "none";
  const name = at.labels?.length ? at.labels[0].textContent : at.textContent;
  return {name: name.replace(/\\s+/g, " ").trim(), seen: shown && !covered};
}"""
"""Where the focus is: by what name, and whether it is seen there."""
