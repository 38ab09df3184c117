"""Screens of a terminal as one SVG that shows them one after the other, once, and ends on the last. Pure.

It takes apart what `App.export_screenshot` makes. A line that is the same on several screens stands in the file once;
no script, no font and nothing else from outside: where a picture may not move, the last screen is what is seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape
from typing import Final

_LINE: Final = 24.4
_RULE: Final = re.compile(r"\.terminal-[^ {]*?(r\d+) \{ ([^}]*) \}")
_RECT: Final = re.compile(r'<rect fill="([^"]+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="24.65"[^>]*/>')
_TEXT: Final = re.compile(
    r'<text class="terminal-[^"]*?(r\d+)" x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"[^>]*>([^<]*)</text>'
)
_LIGHTS: Final = ((26, "#ff5f57"), (48, "#febc2e"), (70, "#28c840"))
_SIZE: Final = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True, slots=True)
class Frame:
    """A screen, what stands above it, and for how long it is seen."""

    svg: str
    title: str
    hold_s: float


class _Drawing:
    """Styles and lines that frames share."""

    def __init__(self) -> None:
        self.styles: dict[str, str] = {}
        self.lines: dict[str, str] = {}

    def style(self, rule: str) -> str:
        return self.styles.setdefault(rule, f"s{len(self.styles)}")

    def line(self, markup: str) -> str:
        return self.lines.setdefault(markup, f"l{len(self.lines)}")

    def frame(self, svg: str) -> str:
        """The screen's lines, each a reference."""
        rules = dict(_RULE.findall(svg))
        lines: dict[int, list[str]] = {}
        for fill, x, y, width in _RECT.findall(svg):
            at = round((float(y) - 1.5) / _LINE)
            lines.setdefault(at, []).append(f'<rect fill="{fill}" x="{x}" width="{width}" height="24.65"/>')
        for name, x, y, length, text in _TEXT.findall(svg):
            words = unescape(text).replace("\xa0", " ")
            if not words.strip():
                continue
            at = round((float(y) - 20) / _LINE)
            style = self.style(rules[name])
            lines.setdefault(at, []).append(
                f'<text class="{style}" x="{x}" y="18.5" textLength="{length}">{escape(words, quote=False)}</text>'
            )
        used = ((at, self.line("".join(parts))) for at, parts in sorted(lines.items()))
        return "".join(f'<use href="#{name}" y="{at * _LINE + 1.5:.1f}"/>' for at, name in used)


def animated(frames: list[Frame]) -> str:
    """All of them."""
    drawing = _Drawing()
    drawn = [drawing.frame(frame.svg) for frame in frames]
    found = _SIZE.search(frames[0].svg)
    width, height = (float(part) for part in found.groups()) if found else (0.0, 0.0)
    shown: list[str] = []
    timing: list[str] = []
    start_s = 0.0
    for at, (frame, lines) in enumerate(zip(frames, drawn, strict=True)):
        last = at == len(frames) - 1
        if last:
            timing.append(f"#f{at}{{animation:off {start_s:.1f}s step-end}}")
        else:
            timing.append(f"#f{at}{{visibility:hidden;animation:on {frame.hold_s:.1f}s {start_s:.1f}s step-end}}")
        start_s += frame.hold_s
        title = f'<text class="t" x="{width / 2:.0f}" y="27">{escape(frame.title, quote=False)}</text>'
        shown.append(f'<g id="f{at}">{title}<g transform="translate(9,41)">{lines}</g></g>')
    styles = "".join(f".{name}{{{rule}}}" for rule, name in drawing.styles.items())
    defined = "".join(f'<g id="{name}">{markup}</g>' for markup, name in drawing.lines.items())
    lights = "".join(f'<circle cx="{x}" cy="22" r="7" fill="{fill}"/>' for x, fill in _LIGHTS)
    return f"""<svg viewBox="0 0 {width:g} {height:g}" xmlns="http://www.w3.org/2000/svg">
<style>
text{{font:20px monospace;white-space:pre}}
.t{{font:bold 18px sans-serif;fill:#c5c8c6;text-anchor:middle}}
rect{{shape-rendering:crispEdges}}
{styles}
@keyframes on{{from{{visibility:visible}}to{{visibility:hidden}}}}
@keyframes off{{from{{visibility:hidden}}to{{visibility:visible}}}}
{"".join(timing)}
@media (prefers-reduced-motion:reduce){{g{{animation:none!important}}}}
</style>
<defs>{defined}</defs>
<rect fill="#292929" x="1" y="1" width="{width - 2:g}" height="{height - 2:g}" rx="8"/>{lights}
{"".join(shown)}
</svg>
"""


def still(frame: Frame) -> str:
    """One of them alone."""
    return animated([Frame(frame.svg, "h2o-console", 0.0)])
