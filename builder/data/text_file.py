"""What encoding a stranger's text is in, and whether it is text at all."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Final

from builder.errors import DataRefused

# What the first bytes of files say that are no tables of text, and what to do about it.
_MAGIC: Final = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive", "Save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file", "Save the sheet as CSV"),
    (b"\x1f\x8b", "gzip-compressed", "Unpack it first"),
    (b"BZh", "bzip2-compressed", "Unpack it first"),
    (b"\xfd7zXZ", "xz-compressed", "Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "zstandard-compressed", "Unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first"),
    (b"%PDF", "a PDF", "Export the table as CSV"),
    (b"\x89PNG", "a PNG picture", "Bring a table as CSV or parquet"),
    (b"\xff\xd8\xff", "a JPEG picture", "Bring a table as CSV or parquet"),
    (b"GIF8", "a GIF picture", "Bring a table as CSV or parquet"),
    (b"\x93NUMPY", "a numpy array", "Save it as CSV or parquet"),
    (b"\x89HDF", "an HDF5 file", "Save the table as CSV or parquet"),
    (b"ARROW1", "an Arrow file", "Save it as parquet"),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV"),
    (b"\x7fELF", "a program", "Bring a table as CSV or parquet"),
    (b"MZ\x90", "a program", "Bring a table as CSV or parquet"),
)
_BOMS: Final = (  # longest first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL: Final = bytes(c for c in range(32) if chr(c) not in "\t\n\v\f\r") + b"\x7f"
_SAMPLE: Final = 1 << 16
_CONTROL_SHARE: Final = 0.001  # of bytes: text has none, compressed or binary data about a tenth


@dataclass(frozen=True)
class Text:
    """A text as UTF-8 without BOM, and the encoding it came in."""

    data: bytes
    encoding: str


def read_text(data: bytes, name: str) -> Text:
    """Decodes a file's bytes. `name`: the file's, quoted. Errors: DataRefused for what is no text."""
    for magic, what, way in _MAGIC:
        if data.startswith(magic):
            raise DataRefused(f"{name} is {what}, whatever its name says. {way}, and bring that.")
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise DataRefused(f"{name} is empty. Bring a table with a line of names and rows below it.")
    encoding = _declared(data) or _utf_16_without_bom(data[:_SAMPLE])
    if encoding:
        return _decoded(data, encoding, name)
    _refuse_binary(data[:_SAMPLE], name)
    try:
        data.decode("utf-8")
        return Text(data, "utf-8")
    except UnicodeDecodeError:
        return _decoded(data, "cp1252", name)


def _declared(data: bytes) -> str | None:
    return next((encoding for bom, encoding in _BOMS if data.startswith(bom)), None)


def _utf_16_without_bom(sample: bytes) -> str | None:
    """Mostly ASCII in two bytes each has a NUL in nearly every second place."""
    pairs = len(sample) // 2
    if pairs < 2:
        return None
    if sample[1::2].count(0) > 0.7 * pairs and sample[0::2].count(0) < 0.05 * pairs:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.7 * pairs and sample[1::2].count(0) < 0.05 * pairs:
        return "utf-16-be"
    return None


def _refuse_binary(sample: bytes, name: str) -> None:
    controls = len(sample) - len(sample.translate(None, _CONTROL))
    if b"\0" in sample or controls > _CONTROL_SHARE * len(sample):
        raise DataRefused(
            f"{name} holds binary data, not the text of a table. Export the table as CSV, or as "
            "parquet, and bring that."
        )


def _decoded(data: bytes, encoding: str, name: str) -> Text:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "cp1252":
            raise DataRefused(
                f"{name} begins as {encoding.upper()} text but breaks off or is damaged. Save it again "
                "as UTF-8."
            ) from None
        encoding = "latin-1"  # cp1252 leaves five bytes open, latin-1 none
        text = data.decode(encoding)
    return Text(text.lstrip("\ufeff").encode("utf-8", "replace"), encoding.removesuffix("-sig"))
