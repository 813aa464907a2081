"""A person at a browser, who notices everything that a page does wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from tests.dashboard.browser import PASSWORD

AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text("utf-8")
PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1366, "height": 900}
# Of each fault the rule, the place and why, so that a failed test needs no second look.
RUN_AXE = """
async (rule) => {
  const options = { preload: false, resultTypes: ["violations"] };
  if (rule) options.runOnly = { type: "rule", values: [rule] };
  return (await axe.run(document, options)).violations.flatMap((fault) => fault.nodes.map(
    (node) => `${fault.id}: ${node.target.join(" ")}: ${node.failureSummary.split("\\n")[1] || ""}`));
}
"""
# At once: what is still on its way from one colour to another would be measured in between.
TURN_DARK = """
() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { transition: none !important; }");
  document.adoptedStyleSheets.push(sheet);
  document.documentElement.dataset.bsTheme = "dark";
}
"""
IS_SIDEWAYS = "document.scrollingElement.scrollWidth > innerWidth"


def is_refresh(answer: Response) -> bool:
    """Whether a page has just asked for its live part."""
    return answer.request.headers.get("hx-request") == "true"


class Person:
    """One page of a browser, with the eyes of a tester."""

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        self.context: BrowserContext = browser.new_context(reduced_motion="reduce", **context)
        self.page: Page = self.context.new_page()
        self.address = address
        self.faults: list[str] = []
        self.expected: tuple[str, ...] = ()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda fault: self.faults.append(f"script: {fault}"))
        self.page.on("requestfailed", self._note_failure)
        self.page.on("response", self._note_answer)
        self.page.set_default_timeout(10_000)

    def log_in(self, email: str) -> None:
        """Type address and password and press Enter."""
        self.open("/admin/login/")
        self.page.fill("input[name=email]", email)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_url(f"{self.address}/admin/")

    def like(self, name: str, value: str) -> None:
        """Choose a language or an appearance, as the menu does."""
        token = self.page.locator("[name=csrf_token]").first.input_value()
        answer = self.context.request.post(
            f"{self.address}/preferences/", form={"csrf_token": token, name: value}, max_redirects=0
        )
        assert answer.status == 303, answer.status

    def open(self, path: str) -> None:
        """Go to a page of the site."""
        self.page.goto(self.address + path)

    @contextmanager
    def refreshed(self) -> Iterator[None]:
        """Go on when the page would have been refreshed since: when one beside it was, twice."""
        beside = self.context.new_page()
        beside.goto(self.page.url)
        yield
        for _ in range(2):
            with beside.expect_response(is_refresh):
                pass
        beside.close()

    def turn_dark(self) -> None:
        """See the page as it is in the dark; what alone differs between the themes is colour."""
        self.page.evaluate(TURN_DARK)

    def axe(self, rule: str | None = None) -> list[str]:
        """What axe-core finds on the page, by one rule or by all."""
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE)
        found: list[str] = self.page.evaluate(RUN_AXE, rule)
        return found

    def is_sideways(self) -> bool:
        """Whether the page is wider than the window."""
        return bool(self.page.evaluate(IS_SIDEWAYS))

    def path(self) -> str:
        """Where the browser is."""
        return self.page.url.removeprefix(self.address)

    def _hear(self, message: ConsoleMessage) -> None:
        # A page that is an error by intent (400, 404) is reported by the browser, too.
        is_status = "Failed to load resource" in message.text
        if message.type in ("error", "warning") and not is_status:
            self.faults.append(f"{self.path()}: console: {message.text}")

    def _note_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the person went elsewhere meanwhile
            self.faults.append(f"{self.path()}: {request.url}: {request.failure}")

    def _note_answer(self, answer: Response) -> None:
        is_page = answer.request.is_navigation_request()
        if answer.status >= 500 or (answer.status >= 400 and not is_page):
            self.faults.append(f"{self.path()}: {answer.url}: {answer.status}")
