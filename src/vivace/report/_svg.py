"""matplotlib's figures as SVG inside a page: the page's colours and fonts, names of their own."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from vivace.plot._canvas import GRID, INK, PAPER, style

#: Inches of a picture, and pixels an inch of what is drawn as points: sharp on a phone's screen.
_WIDTH, _DPI = 4.6, 144
#: Colours of points, paler and darker where they lie on one another.
_POINT_COLOURS = 64
_VARIABLES = {INK: "var(--ink)", GRID: "var(--grid)", PAPER: "var(--paper)"}
_LONG_NUMBER = re.compile(r"-?\d*\.\d{3,}(?![\de])")
_IMAGE = "data:image/png;base64,"
_FONT = re.compile(r"font: (?:[a-z]+ )?([0-9.]+)px [^;]*")


class Figures:
    """Draws figures for one page."""

    def __init__(self) -> None:
        self._n = 0

    def draw(
        self,
        draw: Callable[[Any], object],
        label: str,
        caption: str = "",
        height: float = 3.1,
        width: float = _WIDTH,
    ) -> dict[str, Any]:
        """Return label, caption and SVG of what `draw` draws on axes of so many inches."""
        import matplotlib as mpl
        from matplotlib.figure import Figure

        self._n += 1
        settings: Any = {
            **style(),
            "font.size": 9.0,
            "svg.fonttype": "none",
            "svg.hashsalt": "vivace",
        }
        with mpl.rc_context(settings), warnings.catch_warnings():
            # Text is set by the browser, which has more glyphs than matplotlib's own font.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            figure = Figure(figsize=(width, height), layout="constrained")
            draw(figure.subplots())
            file = io.BytesIO()
            figure.savefig(
                file, format="svg", dpi=_DPI, transparent=True,
                metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
            )  # fmt: skip
        svg = inline(file.getvalue(), f"f{self._n}", label)
        return {"label": label, "caption": caption, "svg": svg, "wide": width > _WIDTH}


def inline(svg: bytes, prefix: str, label: str) -> Markup:
    """Return an SVG document as an element of a page.

    Identifiers get a prefix, namespaces and metadata go, and the colours of axes and text become
    those of the page. All text is escaped anew.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        for child in list(element):
            if child.tag.endswith("metadata"):
                element.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name, value in list(element.attrib.items()):
            plain = name.rpartition("}")[2]
            new = value
            if plain == "id":
                new = f"{prefix}-{value}"
            elif plain == "href" and value.startswith("#"):
                new = f"#{prefix}-{value[1:]}"
            elif plain == "href" and value.startswith(_IMAGE):
                new = _fewer_colours(value)
            elif plain in ("d", "x", "y", "transform"):
                new = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", value)
            elif plain in ("style", "fill", "stroke", "clip-path"):
                new = _styled(value, prefix)
            if plain != name:
                del element.attrib[name]
            element.set(plain, new)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", label)
    # The parts of a picture are named after matplotlib's artists, which nothing refers to.
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', ElementTree.tostring(root, "unicode")))
    for element in root.iter():
        if element.get("id") is not None and element.get("id") not in used:
            del element.attrib["id"]
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _fewer_colours(image: str) -> str:
    """Points as an image with a palette, a third of the size."""
    from PIL import Image  # matplotlib has it

    given = Image.open(io.BytesIO(base64.b64decode(image.removeprefix(_IMAGE)))).convert("RGBA")
    file = io.BytesIO()
    few = given.quantize(_POINT_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(file, format="png", optimize=True)
    return _IMAGE + base64.b64encode(file.getvalue()).decode("ascii")


def _styled(value: str, prefix: str) -> str:
    for given, variable in _VARIABLES.items():
        value = value.replace(given, variable)
    value = value.replace("url(#", f"url(#{prefix}-")
    return _FONT.sub(r"font-size: \1px", value)
