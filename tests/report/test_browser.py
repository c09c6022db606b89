"""Pages in a real browser: nothing complains, nothing leaves, and the map reacts."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, browser, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

WORDS = "[...document.querySelectorAll('#terms .word')].map(e => e.textContent)"
CHOSEN = "[...document.querySelectorAll('.topic[aria-selected=true]')].map(e => e.dataset.place)"
#: Place and size of what lies above all circles, and whether clicks go through.
RAISED = (
    "(() => { const g = document.getElementById('raised'), c = g.querySelector('circle');"
    " return [c.getAttribute('cx'), c.getAttribute('r'), g.nextElementSibling === null &&"
    " getComputedStyle(g).pointerEvents === 'none'].join(); })()"
)


def circle(place: int) -> str:
    """The same of a topic's own circle."""
    return (
        "['cx', 'r'].map(a => document.querySelector("
        f"'.topic[data-place=\"{place}\"] circle').getAttribute(a)).join() + ','"
    )


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_pages_are_quiet_and_fit(
    tab: Browser, page: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    tab.open(page, width, 844, dark)
    assert tab.complaints() == []
    assert tab.requests() == []
    assert tab.run("window.hacked") is None
    assert tab.run("document.documentElement.scrollWidth") == width
    ground = tab.run("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(21, 25, 29)" if dark else "rgb(255, 255, 255)")
    # Text of pictures has the page's colour, and no picture is wider than the window.
    if tab.run("document.querySelectorAll('figure svg').length"):
        ink = "rgb(227, 231, 234)" if dark else "rgb(36, 41, 47)"
        assert tab.run("getComputedStyle(document.querySelector('figure svg text')).fill") == ink
        assert tab.run(
            "[...document.querySelectorAll('figure svg')]"
            f".every(e => e.getBoundingClientRect().right <= {width})"
        )
    tab.screenshot(tmp_path / "page.png")
    assert struct.unpack(">I", (tmp_path / "page.png").read_bytes()[16:20])[0] == width


def test_pages_can_be_printed(tab: Browser, page: Path, tmp_path: Path) -> None:
    tab.open(page, dark=True)
    assert tab.pdf(tmp_path / "page.pdf").startswith(b"%PDF")
    assert (tmp_path / "page.pdf").stat().st_size > 20_000
    # On paper the ground is white, whatever the screen.
    tab.call("Emulation.setEmulatedMedia", media="print")
    ground = tab.run("getComputedStyle(document.body).backgroundColor")
    tab.call("Emulation.setEmulatedMedia", media="")
    assert ground == "rgb(255, 255, 255)"


def test_what_is_folded_is_not_printed(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["topics-data"])
    tab.call("Emulation.setEmulatedMedia", media="print")
    shown = "getComputedStyle(document.querySelector('.unfold')).display"
    assert tab.run(shown) == "none"
    tab.run("document.querySelector('.unfold details').open = true")
    assert tab.run(shown) == "block"
    closed = "getComputedStyle(document.querySelector('.unfold details:not([open])')).display"
    assert tab.run(closed) == "none"
    tab.call("Emulation.setEmulatedMedia", media="")


def test_examples_have_the_width_of_the_page(tab: Browser, pages: dict[str, Path]) -> None:
    """On screen and on paper; what tells of clicks is on screen only."""
    place = (
        "(() => { const b = document.getElementById('examples').getBoundingClientRect(),"
        " m = document.querySelector('main').getBoundingClientRect();"
        " return [b.left - m.left, m.right - b.right]; })()"
    )
    hint = "getComputedStyle(document.querySelector('.screen')).display"
    tab.open(pages["topics-data"])
    assert tab.run(place) == [0, 0]
    assert tab.run(hint) == "inline"
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.run(place) == [0, 0]
    assert tab.run(hint) == "none"
    tab.call("Emulation.setEmulatedMedia", media="")


def test_the_map_in_words(tab: Browser, pages: dict[str, Path]) -> None:
    """What a screen reader is told of circles, bars and pictures."""
    tab.open(pages["topics-data"])
    circle = tab.run("document.querySelector('.topic').getAttribute('aria-label')")
    assert "of the tokens: " in circle
    bar = tab.run("document.querySelector('#terms li').ariaLabel")
    word = tab.run("document.querySelector('#terms .word').textContent")
    assert bar.startswith(f"{word}: ")
    assert " tokens in the topic of " in bar
    tab.run("document.querySelector('.topic').focus()")
    tab.key("Escape", 27)
    assert tab.run("document.querySelector('#terms li').ariaLabel").endswith(" in all topics")
    assert tab.run("document.getElementById('terms').getAttribute('aria-labelledby')") == (
        "terms-title"
    )


def test_the_policy_stops_scripts(tab: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """Were a name not escaped, the browser would not run it all the same."""
    text = pages["gaussian"].read_text("utf-8")
    bad = tmp_path / "bad.html"
    code = "<script>window.hacked=5</script><img src=x onerror='window.hacked=6'>"
    bad.write_text(text.replace("<main>", f"<main>{code}"), "utf-8")
    tab.open(bad)
    assert tab.run("window.hacked") is None
    assert len(tab.complaints()) >= 2


def test_the_map_reacts_to_clicks(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["topics-data"])
    assert tab.run(CHOSEN) == ["0"]
    assert tab.run(RAISED) == tab.run(f"{circle(0)} + 'true'")
    first = tab.run(WORDS)
    assert len(first) > 5
    place = tab.run(
        "(() => { const c = document.querySelector('.topic[data-place=\"1\"] circle')"
        ".getBoundingClientRect(); return [c.x + c.width / 2, c.y + c.height / 2]; })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        tab.call(
            "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left",
            clickCount=1,
        )  # fmt: skip
    assert tab.run(CHOSEN) == ["1"]
    assert tab.run(RAISED) == tab.run(f"{circle(1)} + 'true'")
    assert tab.run(WORDS) != first
    assert tab.run("document.getElementById('chosen').value") == "1"
    assert tab.run("document.querySelectorAll('#examples p').length") == 3
    number = tab.run("document.querySelector('.topic[data-place=\"1\"] text').textContent")
    assert tab.run("document.getElementById('terms-title').textContent").startswith(
        f"Topic {number}:"
    )
    tab.run("document.querySelector('.go[data-place=\"2\"]').click()")
    assert tab.run(CHOSEN) == ["2"]
    assert tab.complaints() == []


def test_the_map_reacts_to_the_keyboard(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["topics"])
    tab.run("document.querySelector('.topic').focus()")
    tab.key("ArrowRight", 39)
    assert tab.run(CHOSEN) == ["1"]
    tab.key("End", 35)
    assert tab.run(CHOSEN) == ["2"]
    tab.key("ArrowRight", 39)
    assert tab.run(CHOSEN) == ["2"]
    tab.key("ArrowLeft", 37)
    assert tab.run("document.activeElement.dataset.place") == "1"
    tab.key("Escape", 27)
    assert tab.run(CHOSEN) == []
    assert tab.run("document.getElementById('chosen').value") == ""
    assert tab.run("document.getElementById('lambda').disabled") is True


def test_bars_react_to_the_slider(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["topics"])
    tab.run("document.getElementById('lambda').focus()")
    orders = []
    for key, code, shown in (("Home", 36, "0.00"), ("ArrowRight", 39, "0.05"), ("End", 35, "1.00")):
        tab.key(key, code)
        assert tab.run("document.getElementById('lambda-value').textContent") == shown
        orders.append(tab.run(WORDS))
    assert orders[0] != orders[2]
    # At 1 the words come in the order of their tokens.
    tokens = tab.run(
        "[...document.querySelectorAll('#terms .own')].map(e => parseFloat(e.style.width))"
    )
    assert tokens == sorted(tokens, reverse=True)
    radius = "document.querySelector('.topic[data-place=\"2\"] circle').getAttribute('r')"
    before = tab.run(radius)
    tab.run("document.querySelector('#terms li').focus()")
    assert tab.run(radius) != before  # the tokens of a word of topic 0 are elsewhere
    tab.run("document.querySelector('#terms li').blur()")
    assert tab.run(radius) == before
    assert tab.complaints() == []
