"""Takes the pictures: which page, in which language and light, how wide."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tools.screenshots.product import EMAIL, PASSWORD

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
COLOURS = 192  # of a picture in its own palette: a third of the bytes, and nobody sees it
WIDE, PHONE = (1366, 900), (390, 844)
ZONES = {"en": "Europe/London", "ar": "Asia/Baghdad", "fa": "Asia/Tehran"}


@dataclass(frozen=True)
class Shot:
    """One picture; `{job}` in the path is a job that failed."""

    name: str
    path: str
    language: str = "en"
    theme: str = "light"
    size: tuple[int, int] = WIDE


SHOTS = (
    Shot("overview-en-light", "/admin/"),
    Shot("jobs-ar-dark", "/admin/job/", language="ar", theme="dark"),
    Shot("job-en-light", "/admin/job/{job}/"),
    Shot("job-fa-dark", "/admin/job/{job}/", language="fa", theme="dark"),
    Shot("monitor-phone", "/admin/queues/", size=PHONE, theme="dark"),
    Shot("errors-en-light", "/admin/error/"),
    Shot("alerts-ar-light", "/admin/alert/", language="ar"),
    Shot("create-en-light", "/jobs/create/?task=shop.charge_card"),
)


def take(shots: tuple[Shot, ...], *, address: str, job: str, folder: Path) -> None:
    """Write each picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for shot in shots:
            page = _signed_in(browser, address, shot)
            page.goto(address + shot.path.format(job=job))
            page.wait_for_function("document.fonts.status === 'loaded'")
            page.wait_for_timeout(400)  # charts draw themselves in the next frame
            _write(page.screenshot(), folder / f"{shot.name}.png")
            page.context.close()
        browser.close()


def _signed_in(browser: Browser, address: str, shot: Shot) -> Page:
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale=shot.language,
        timezone_id=ZONES[shot.language],
        color_scheme="dark" if shot.theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{address}/admin/login/")
    page.fill("input[name=email]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{address}/admin/")
    return page


def _write(png: bytes, path: Path) -> None:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
