"""The page as a browser shows it, on a phone and on a screen: nothing juts out, and the numbers are
those of the tables.
"""

import csv
import html
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.pipeline.reporting.pages import Page

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "headless_shell",
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
# The page stands in a frame as wide as the window of a phone: a browser's own window is not made
# narrower than 500 pixels.
RULER = """<!doctype html><body style="margin:0">
<iframe style="border:0;width:%dpx;height:900px" srcdoc="%s">
</iframe><pre></pre>
<script>
document.querySelector("iframe").onload = event => {
  const page = event.target.contentWindow, root = page.document.documentElement;
  const all = where => [...page.document.querySelectorAll(where)];
  const wide = all("body *").filter(each => !each.parentElement.closest(".scroll"))
    .filter(each => each.getBoundingClientRect().right > page.innerWidth + 0.5)
    .map(each => each.tagName + "#" + each.id);
  const broken = all("img").filter(each => !each.complete || each.naturalWidth === 0);
  const letters = all("p, td, th, figcaption, small")
    .map(each => parseFloat(page.getComputedStyle(each).fontSize));
  root.dataset.ruler = [page.innerWidth, root.scrollWidth, broken.length,
    Math.min(...letters), wide.join(" ")].join("|");
  document.querySelector("pre").textContent = root.outerHTML;
};
</script>
"""


def browse(*arguments: str, profile: Path) -> str:
    """Run the browser without a window; return what it prints."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip(f"no browser to look at the page with: none of {', '.join(NAMES)} was found")
    command = [browser, *FLAGS, f"--user-data-dir={profile}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"{browser} does not start here: {done.stderr.strip()[-300:]}")
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_juts_out_and_the_numbers_are_right(
    width: int, folder: Path, tmp_path: Path
) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    measured = tmp_path / "measured.html"
    measured.write_text(RULER % (width, html.escape(page)), encoding="utf-8")
    window = browse(
        "--dump-dom", "--window-size=1400,900", measured.as_uri(), profile=tmp_path / "profile"
    )
    seen = html.unescape(window.split("<pre>")[1].split("</pre>")[0])
    inner, scrolled, broken, letters, wide = re.search(r'data-ruler="([^"]*)"', seen)[1].split("|")  # type: ignore[index]
    assert int(inner) == width
    assert int(scrolled) <= width, f"the page is wider than the window: {wide}"
    assert not wide
    assert int(broken) == 0
    assert float(letters) > 9.0
    tables = Page(seen)
    with (folder / "summary.csv").open(newline="", encoding="utf-8") as handle:
        summary = list(csv.DictReader(handle))
    assert tables.column("scores", "macro-F1") == {
        row["input"]: f"{float(row['macro_f1']):.3f}" for row in summary
    }
    shown = tables.column("differences", "difference")
    assert shown == {
        row["input"]: f"{float(row['difference']):+.3f}"
        for row in summary
        if row["input"] != "pixels"
    }


@pytest.mark.parametrize("width", [390, 1280])
def test_a_picture_of_the_page_has_the_verdict_in_its_box(
    width: int, folder: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "page.png"
    browse(
        f"--screenshot={picture}",
        f"--window-size={width},900",
        (folder / "report.html").as_uri(),
        profile=tmp_path / "profile",
    )
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape == (900, width, 3)
    blue = np.abs(pixels - (0x00, 0x72, 0xB2)).max(axis=2) < 8  # the bar beside the verdict
    assert blue.sum() > 300
    dark = pixels.max(axis=2) < 90
    assert 0.005 < dark.mean() < 0.3
