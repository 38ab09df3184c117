"""Pictures of the console: what a terminal shows as text, and as SVG without what changes from run to run."""

from __future__ import annotations

import re
from typing import Any

from syrupy.extensions.image import SVGImageSnapshotExtension
from textual.app import App


class Pictures(SVGImageSnapshotExtension):
    """One SVG a picture, to be looked at in a browser when it changed."""


def scrubbed(app: App[Any]) -> str:
    """The screen as SVG, without random ids and without the host of a font."""
    svg = re.sub(r"terminal-\d+-", "terminal-", app.export_screenshot(title="h2o-console"))
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)


def lines_of(app: App[Any]) -> list[str]:
    """What the terminal shows."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]
