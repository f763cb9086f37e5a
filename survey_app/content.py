"""What a file is, told by its content, never by its name: pictures are opened, others known by how they begin."""

from __future__ import annotations

import io
import re
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Final, cast

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import Image, ImageOps, UnidentifiedImageError

from survey_app.config import Limits
from survey_app.problems import Problem, TooLarge

PICTURES: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
SHOWN_EDGE: Final = 2560  # pixels of the longer edge of the variant people are shown
# (offset, bytes, content type): what other files begin with. Nothing a browser would run is among them.
_MAGIC: Final = (
    (0, b"%PDF-", "application/pdf"), (4, b"ftypM4A", "audio/mp4"), (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"), (0, b"OggS", "audio/ogg"), (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"), (0, b"\xff\xf3", "audio/mpeg"), (0, b"#!AMR", "audio/amr"),
    (8, b"WAVE", "audio/wav"), (0, b"PK\x03\x04", "application/zip"),
)  # fmt: skip
_PICTURE_MAGIC: Final = ((0, b"\xff\xd8\xff"), (0, b"\x89PNG\r\n\x1a\n"), (8, b"WEBP"))
_SVG: Final = "{http://www.w3.org/2000/svg}"
SVG_PARTS: Final = 20_000
_OWN_PART: Final = re.compile(r"url\(#[\w.\-]+\)")
_SVG_ELEMENTS: Final = frozenset(
    re.findall(
        r"\w+",
        """svg g path rect circle ellipse line polyline polygon text tspan title desc defs linearGradient radialGradient
        stop clipPath""",
    )
)
_SVG_ATTRIBUTES: Final = frozenset(
    re.findall(
        r"[\w-]+",
        """id d points x y x1 y1 x2 y2 cx cy r rx ry dx dy width height viewBox preserveAspectRatio transform fill
        fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-dasharray
        opacity font-size font-family font-weight text-anchor dominant-baseline offset stop-color stop-opacity
        gradientUnits gradientTransform clip-path clipPathUnits version""",
    )
)
_ONE_PICTURE_AT_A_TIME = threading.Lock()  # decoding is what costs memory


class NotAccepted(Problem):
    """A kind of file we do not take, whatever its name says."""

    status, code = 415, "file_not_accepted"
    message = "This kind of file is not accepted. Please send a JPEG, PNG or WebP picture, audio, video or PDF."


def examine(file: Path, limits: Limits) -> tuple[str, bytes | None]:
    """The content type by content, and for a picture its variant without EXIF, position or device."""
    with file.open("rb") as source:
        head = source.read(32)
    if any(head[at : at + len(magic)] == magic for at, magic in _PICTURE_MAGIC):
        with _ONE_PICTURE_AT_A_TIME:
            return _examine_picture(file, limits)
    return _known_kind(head), None


def media_type(content: bytes, limits: Limits) -> str:
    """The content type of a picture, sound or film that a form shows; NotAccepted for anything else.

    A moving GIF is taken too; an SVG goes through `safe_svg` first.
    """
    head = content[:32]
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return _opened(content, limits, {"GIF": "image/gif"})
    if any(head[at : at + len(magic)] == magic for at, magic in _PICTURE_MAGIC):
        return _opened(content, limits, PICTURES)
    found = _known_kind(head)
    if not found.startswith(("audio/", "video/")):
        raise NotAccepted
    return found


def _known_kind(head: bytes) -> str:
    for at, magic, content_type in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return content_type
    raise NotAccepted


def safe_svg(content: bytes) -> bytes:
    """A drawing with nothing in it but shapes and words: no programs, styles, links or foreign parts.

    Image maps are drawn this way. Raises NotAccepted for what is not a plain SVG.
    """
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        raise NotAccepted("This drawing cannot be read. Save it as plain SVG or as PNG.") from None
    if root.tag != f"{_SVG}svg" or sum(1 for _ in root.iter()) > SVG_PARTS:
        raise NotAccepted("This drawing cannot be read. Save it as plain SVG or as PNG.")
    ElementTree.register_namespace("", _SVG[1:-1])
    try:
        return cast(bytes, ElementTree.tostring(_plain(root), encoding="utf-8", xml_declaration=True))
    except RecursionError:
        raise NotAccepted("This drawing cannot be read. Save it as plain SVG or as PNG.") from None


def _plain(element: ElementTree.Element) -> ElementTree.Element:
    """The element with only known parts and attributes; a reference inside the drawing (a gradient) stays."""
    kept = {
        name: value
        for name, value in element.attrib.items()
        if name in _SVG_ATTRIBUTES and ("url" not in value.lower() or _OWN_PART.fullmatch(value))
    }
    plain = ElementTree.Element(element.tag, kept)
    plain.text, plain.tail = element.text, element.tail
    for child in element:
        if isinstance(child.tag, str) and child.tag.removeprefix(_SVG) in _SVG_ELEMENTS:
            plain.append(_plain(child))
    return plain


def _opened(content: bytes, limits: Limits, kinds: dict[str, str]) -> str:
    """The kind of a picture that opens; nothing of it is decoded further than needed to know."""
    try:
        with Image.open(io.BytesIO(content), formats=list(kinds)) as picture:
            _require_bearable(picture, limits)
            picture.verify()
            return kinds[picture.format or ""]
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(limits) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, KeyError, EOFError):
        raise NotAccepted("This picture cannot be opened. Please take or choose it again.") from None


def _require_bearable(picture: Image.Image, limits: Limits) -> None:
    width, height = picture.size
    if width * height > limits.picture_pixels:
        raise _too_many_pixels(limits)


def _too_many_pixels(limits: Limits) -> TooLarge:
    return TooLarge(limit=f"{limits.picture_pixels // 1_000_000} megapixels")


def _examine_picture(file: Path, limits: Limits) -> tuple[str, bytes]:
    try:
        with Image.open(file, formats=list(PICTURES)) as picture:
            _require_bearable(picture, limits)
            return PICTURES[picture.format or ""], _without_exif(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(limits) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, KeyError, EOFError):
        raise NotAccepted("This picture cannot be opened. Please take or choose it again.") from None


def _without_exif(picture: Image.Image) -> bytes:
    kind = picture.format or "JPEG"
    picture.draft("RGB", (SHOWN_EDGE, SHOWN_EDGE))  # a JPEG is decoded small at once
    upright = ImageOps.exif_transpose(picture)
    if upright.mode == "P":
        upright = upright.convert("RGBA")
    upright.thumbnail((SHOWN_EDGE, SHOWN_EDGE))
    plain = Image.new(upright.mode, upright.size)  # a new picture knows nothing of the old one's metadata
    plain.paste(upright)
    out = io.BytesIO()
    if kind == "JPEG" and plain.mode not in ("L", "RGB", "CMYK"):
        plain = plain.convert("RGB")
    plain.save(out, kind, **({} if kind == "PNG" else {"quality": 85}))
    return out.getvalue()
