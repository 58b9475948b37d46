"""Real pictures for lessons: drawn here, so that nothing has to be fetched."""

import io
import random
from collections.abc import Mapping

from lambdalab.lab.figures import ShownFigure

__all__ = ["gallery", "landscape"]

_SIZE = (640, 400)
_SKIES = ("#7db8e8", "#f2a65a", "#33415c", "#a3c4bc")
_MARGIN = 8


def landscape(number: int) -> bytes:
    """Draw hills under a sun, 640 by 400 pixels, as PNG; another number gives another picture."""
    from PIL import Image, ImageDraw

    draw = random.Random(number)  # noqa: S311 - variety is wanted here, not secrecy
    picture = Image.new("RGB", _SIZE, _SKIES[number % len(_SKIES)])
    pen = ImageDraw.Draw(picture)
    left = draw.randint(60, 500)
    pen.ellipse((left, 40, left + 80, 120), fill="#ffe08a")
    for row, green in enumerate(("#4f772d", "#31572c", "#132a13")):
        middle, height = draw.randint(0, _SIZE[0]), 200 + 60 * row
        pen.ellipse((middle - 500, height, middle + 500, height + 500), fill=green)
    return _png(picture)


def gallery(pictures: Mapping[str, bytes], caption: str) -> ShownFigure:
    """Show pictures beside each other, with their names and sizes as a table."""
    from PIL import Image

    opened = {name: Image.open(io.BytesIO(data)) for name, data in pictures.items()}
    sizes = [f"{one.width} x {one.height}" for one in opened.values()]
    width = sum(one.width + _MARGIN for one in opened.values()) + _MARGIN
    height = max((one.height for one in opened.values()), default=0) + 2 * _MARGIN
    sheet = Image.new("RGB", (width, height), "white")
    left = _MARGIN
    for one in opened.values():
        sheet.paste(one, (left, _MARGIN))
        left += one.width + _MARGIN
    told = ", ".join(f"{name} ({size})" for name, size in zip(opened, sizes, strict=True))
    table = {"Picture": list(opened), "Pixels": sizes}
    return ShownFigure(_png(sheet), f"{len(opened)} small pictures: {told}.", caption, table)


def _png(picture: object) -> bytes:
    made = io.BytesIO()
    picture.save(made, "PNG")  # type: ignore[attr-defined]
    return made.getvalue()
