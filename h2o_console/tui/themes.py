"""Themes: what each tone looks like. Colour never speaks alone: a sign and a word always stand beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from rich.style import Style
from textual.theme import Theme

from h2o_console.rows.cells import Tone

if TYPE_CHECKING:
    from textual.dom import DOMNode


@dataclass(frozen=True, slots=True)
class Palette:
    """A theme for Textual's own parts, and a style for each tone on plain, selected and framing ground."""

    theme: Theme
    plain: Mapping[Tone, Style]
    selected: Mapping[Tone, Style]
    frame: Mapping[Tone, Style]


@dataclass(frozen=True, slots=True)
class _Colours:
    name: str
    dark: bool
    ground: str
    frame: str
    selected: str
    text: str
    dim: str
    unknown: str
    good: str
    note: str
    warn: str
    bad: str
    name_: str
    graph: str


_DARK: Final = _Colours(
    name="dark",
    dark=True,
    ground="#0d1117",
    frame="#1b222c",
    selected="#1f3b5c",
    text="#c9d1d9",
    dim="#8b949e",
    unknown="#858e99",
    good="#4fb867",
    note="#62a8f5",
    warn="#e3b341",
    bad="#ff7b72",
    name_="#eef3f8",
    graph="#5aa7b8",
)
_LIGHT: Final = _Colours(
    name="light",
    dark=False,
    ground="#ffffff",
    frame="#e6eaef",
    selected="#cfe3fb",
    text="#24292f",
    dim="#606a75",
    unknown="#6e7781",
    good="#1a7f37",
    note="#0757b5",
    warn="#8a5a00",
    bad="#c01020",
    name_="#0d1117",
    graph="#17727c",
)
# Okabe and Ito's colours, which red-green blindness leaves apart.
_DEUTERANOPIA: Final = replace(
    _DARK, name="deuteranopia", good="#56b4e9", note="#9ccbe8", warn="#f0e442", bad="#ff9433", graph="#8fb7c9"
)


def _coloured(colours: _Colours) -> Palette:
    theme = Theme(
        name=f"h2o-{colours.name}",
        primary=colours.note,
        secondary=colours.graph,
        warning=colours.warn,
        error=colours.bad,
        success=colours.good,
        accent=colours.note,
        foreground=colours.text,
        background=colours.ground,
        surface=colours.ground,
        panel=colours.frame,
        boost=colours.frame,
        dark=colours.dark,
    )
    grounds = (colours.ground, colours.selected, colours.frame)
    return Palette(theme, *(_styles(colours, ground) for ground in grounds))


def _styles(colours: _Colours, ground: str) -> Mapping[Tone, Style]:
    foregrounds = {
        Tone.PLAIN: colours.text,
        Tone.DIM: colours.dim,
        Tone.UNKNOWN: colours.unknown,
        Tone.GOOD: colours.good,
        Tone.NOTE: colours.note,
        Tone.WARN: colours.warn,
        Tone.BAD: colours.bad,
        Tone.HEAD: colours.dim,
        Tone.NAME: colours.name_,
        Tone.GRAPH: colours.graph,
        Tone.KEY: colours.note,
    }
    bold = {Tone.BAD, Tone.KEY}
    styles = {
        tone: Style(color=colour, bgcolor=ground, bold=tone in bold or None) for tone, colour in foregrounds.items()
    }
    return {**styles, Tone.TITLE: Style(color=colours.ground, bgcolor=colours.note, bold=True)}


_ANSI_VARIABLES: Final = (
    "ansi-background",
    "ansi-foreground",
    "border-blurred",
    "block-cursor-foreground",
    "block-cursor-background",
    "input-cursor-background",
    "input-cursor-foreground",
    "input-selection-background",
    "input-selection-foreground",
    "screen-selection-background",
    "screen-selection-foreground",
)


def _uncoloured(name: str, colours: Mapping[Tone, str]) -> Palette:
    """The terminal's own ground; *colours* are its own sixteen, or none at all."""
    default = "ansi_default"
    theme = Theme(
        name=f"h2o-{name}",
        ansi=True,
        primary=default,
        secondary=default,
        warning=default,
        error=default,
        success=default,
        accent=default,
        foreground=default,
        background=default,
        surface=default,
        panel=default,
        boost=default,
        # Textual's own style sheet asks an ansi theme for these.
        variables=dict.fromkeys(_ANSI_VARIABLES, default) | {"input-cursor-text-style": "reverse"},
    )
    bold, dim = {Tone.BAD, Tone.WARN, Tone.TITLE, Tone.KEY}, {Tone.DIM, Tone.UNKNOWN, Tone.HEAD}
    plain = {
        tone: Style(
            color=colours.get(tone, "default"),
            bgcolor="default",
            bold=tone in bold or None,
            dim=(tone in dim and tone not in colours) or None,
            underline=tone is Tone.TITLE or None,
        )
        for tone in Tone
    }
    selected = {
        tone: Style(bgcolor="default", color="default", reverse=True, bold=tone in bold or None) for tone in Tone
    }
    frame = {tone: style + Style(underline=False) for tone, style in plain.items()}
    return Palette(theme, plain, selected, {**frame, Tone.TITLE: Style(reverse=True, bold=True)})


_SIXTEEN: Final = {
    Tone.GOOD: "green",
    Tone.NOTE: "cyan",
    Tone.WARN: "yellow",
    Tone.BAD: "red",
    Tone.GRAPH: "cyan",
    Tone.KEY: "cyan",
}

PALETTES: Final[Mapping[str, Palette]] = {
    palette.theme.name.removeprefix("h2o-"): palette
    for palette in (
        _coloured(_DARK),
        _coloured(_LIGHT),
        _coloured(_DEUTERANOPIA),
        _uncoloured("terminal", _SIXTEEN),
        _uncoloured("mono", {}),
    )
}
"""By the name a person types; ``mono`` is what NO_COLOR means."""


def theme_of(node: DOMNode) -> str:
    """The name of the theme that *node*'s app runs in."""
    theme: str = node.app.theme  # pyright: ignore[reportUnknownMemberType] - App is generic in its result only
    return theme


def ascii_of(node: DOMNode) -> bool:
    """Does *node*'s app keep to ASCII?"""
    app = cast("object", node.app)  # pyright: ignore[reportUnknownMemberType] - as above
    return bool(getattr(app, "ascii_only", False))


def palette_of(node: DOMNode) -> Palette:
    """The palette of the theme that *node*'s app runs in."""
    return PALETTES.get(theme_of(node).removeprefix("h2o-"), PALETTES["dark"])
