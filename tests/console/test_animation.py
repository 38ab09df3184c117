"""Screens one after the other in one SVG: each is seen, lines are shared, nothing is from outside, the last stays."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from textual.app import App, ComposeResult
from textual.widgets import Static

from examples.demo.animation import Frame, animated, still

SVG = "{http://www.w3.org/2000/svg}"


class Shown(App[None]):
    """A terminal with some lines."""

    def __init__(self, *lines: str) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        for line in self._lines:
            yield Static(line, markup=False)


async def screen(*lines: str) -> str:
    app = Shown(*lines)
    async with app.run_test(size=(40, len(lines))) as pilot:
        await pilot.pause()
        return app.export_screenshot()


def words(element: ElementTree.Element) -> list[str]:
    return [text for one in element.iter(f"{SVG}text") if (text := (one.text or "").strip())]


async def test_each_screen_is_seen_for_its_time_and_the_last_stays() -> None:
    drawn = animated(
        [
            Frame(await screen("one"), "first", 2.0),
            Frame(await screen("two"), "then", 1.5),
            Frame(await screen("3"), "last", 9),
        ]
    )
    root = ElementTree.fromstring(drawn)
    assert [words(root.find(f".//{SVG}g[@id='f{at}']") or root)[0] for at in range(3)] == ["first", "then", "last"]
    assert "#f0{visibility:hidden;animation:on 2.0s 0.0s step-end}" in drawn
    assert "#f1{visibility:hidden;animation:on 1.5s 2.0s step-end}" in drawn
    assert "#f2{animation:off 3.5s step-end}" in drawn, "it is what is seen where nothing moves"
    assert "prefers-reduced-motion" in drawn


async def test_a_line_that_stays_stands_there_once() -> None:
    drawn = animated([Frame(await screen("the same line", f"and {number}"), "t", 1.0) for number in range(5)])
    assert drawn.count("the same line") == 1
    assert all(f">and {number}<" in drawn for number in range(5))


async def test_nothing_comes_from_outside_and_hostile_text_is_text() -> None:
    drawn = animated([Frame(await screen("</text><script>alert(1)</script>", "a & b"), "<b>&", 1.0)])
    root = ElementTree.fromstring(drawn)
    assert not [
        one.tag
        for one in root.iter()
        if one.tag.removeprefix(SVG) not in {"svg", "style", "defs", "g", "rect", "circle", "text", "use"}
    ]
    assert "<b>&" in words(root)
    assert "</text><script>alert(1)</script>" in "".join(words(root))
    assert not re.search(r"url\(|@import|@font-face|href=\"(?!#)", drawn)


async def test_one_alone_does_not_move() -> None:
    drawn = still(Frame(await screen("one"), "never seen", 5.0))
    assert "never seen" not in drawn
    assert ">one<" in drawn
