"""Reads a stranger's CSV or TSV: separator, header, damage, and what the values are.

Runs in the child process of an upload. pyarrow parses; what it would let pass (a quote that is
never closed swallows the rest of the file) or report poorly is looked for here.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from builder.data.column_names import clean_names
from builder.data.limits import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_FIELD_CHARACTERS,
    MAX_HEADER_BYTES,
    MAX_ROWS,
)
from builder.data.text_file import Text, read_text
from builder.errors import DataRefused, quote

if TYPE_CHECKING:
    import pyarrow as pa

_SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_LINES: Final = 50
_MOSTLY: Final = 0.9  # share of values that are numbers before the others count as missing
_NUMBER: Final = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_TOLD: Final = re.compile(rb'"?sep=([^\r\n]{1,4}?)"?[,;\t]*(?=\r|\n|$)', re.IGNORECASE)
_BLOCK_BYTES: Final = 4 << 20  # read at once; no row may be longer
_COMMA_NUMBER: Final = r"^\s*[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?\s*$"


@dataclass(frozen=True)
class ReadTable:
    """A table as read, and what was noticed while reading."""

    table: pa.Table
    notes: tuple[str, ...]


def read_csv(data: bytes, name: str, header: bool | None = None) -> ReadTable:
    """Reads the bytes of a CSV or TSV.

    Args:    name: the file's, quoted; header: whether the first line holds names, None: find out.
    Errors:  DataRefused with the file, the line where known, and the way out.
    """
    text = read_text(data, name)
    text, separator = _told_separator(text, name)
    first_line = _first_line(text.data, name)
    separator = separator or _separator(text.data, first_line, name)
    sample = _sample_rows(text.data, separator)
    width = len(sample[0])
    _refuse_wide(width, name)
    if b'"' in text.data and text.data.count(b'"') % 2:
        _refuse_open_quote(text.data, separator, name)
    has_names = _looks_like_names(sample) if header is None else header
    names, notes = clean_names(sample[0] if has_names else [""] * width)
    if not has_names:
        notes = (
            f"The first line holds values, so the columns are called {quote(names[0])} and on.",
        )
    if width < 2:
        raise DataRefused(
            f"{name} has a single column. A set needs a feature and a target, separated by commas, "
            "semicolons, tabs or bars."
        )
    table = _parse(text.data, separator, names, has_names, name)
    if table.num_rows == 0:
        raise DataRefused(f"{name} has a line of names and no rows below it. Bring the rows too.")
    columns, mended = _understand_texts(table, separator)
    return ReadTable(columns, (*_encoding_notes(text.encoding), *notes, *mended))


def _told_separator(text: Text, name: str) -> tuple[Text, str]:
    """Excel's own first line "sep=;": the text without it, and the mark; "" where there is none."""
    found = _TOLD.match(text.data)
    if found is None:
        return text, ""
    mark = found[1].decode("utf-8", "replace")
    if mark not in _SEPARATORS:
        raise DataRefused(
            f"{name} says that its values are separated by {quote(mark)}. Save it with commas, "
            "semicolons, tabs or bars between them."
        )
    rest = text.data[found.end() :]  # from the end of the line on: rows keep their numbers
    if not rest.strip():
        raise DataRefused(f"{name} holds nothing below its first line. Bring the rows too.")
    return replace(text, data=rest), mark


def _first_line(data: bytes, name: str) -> bytes:
    start = next((i for i, byte in enumerate(data[:MAX_HEADER_BYTES]) if byte not in b"\r\n"), 0)
    ends = [end for mark in (b"\n", b"\r") if (end := data.find(mark, start)) >= 0]
    line = data[start : min(ends, default=len(data))]
    if len(line) <= MAX_HEADER_BYTES:
        return line
    _refuse_wide(max(line.count(mark.encode()) for mark in _SEPARATORS) + 1, name)
    raise DataRefused(
        f"{name} has a first line longer than {MAX_HEADER_BYTES // 1024:,} KiB, which is no line of "
        "column names. Check how the file was written."
    )


def _refuse_wide(columns: int, name: str) -> None:
    if columns > MAX_COLUMNS:
        raise DataRefused(
            f"{name} has {columns:,} columns, and at most {MAX_COLUMNS:,} fit. Leave out columns, or "
            "swap rows and columns if each line is a column."
        )


def _separator(data: bytes, first_line: bytes, name: str) -> str:
    """The mark that cuts most lines into the same number of values, more than one."""
    most = max(first_line.count(mark.encode()) for mark in _SEPARATORS) + 1
    _refuse_wide(most if b'"' not in first_line else 0, name)
    best, best_score = ",", (0.0, 0)
    for mark in _SEPARATORS:
        widths = [len(row) for row in _sample_rows(data, mark)]
        alike = sum(width == widths[0] for width in widths) / len(widths)
        score = (alike if widths[0] > 1 else 0.0, widths[0])
        if score > best_score:
            best, best_score = mark, score
    return best


def _sample_rows(data: bytes, separator: str) -> list[list[str]]:
    """The first rows, at least one, read as far as they are whole."""
    text = data[: MAX_HEADER_BYTES * 2].decode("utf-8", "ignore")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    csv.field_size_limit(MAX_HEADER_BYTES * 4)
    rows = [row for row in itertools.islice(reader, _SAMPLE_LINES) if row]
    if len(rows) > 1 and len(text) >= MAX_HEADER_BYTES:
        rows.pop()  # the cut may have gone through it
    return rows or [[""]]


def _looks_like_names(rows: list[list[str]]) -> bool:
    """Names unless the first line is numbers where the next are too; years 1990, 1991 are names."""
    if len(rows) < 2:
        return True
    numeric = [
        place
        for place, value in enumerate(rows[0])
        if _is_number(value) and place < len(rows[1]) and _is_number(rows[1][place])
    ]
    if not numeric or len(numeric) < len(rows[0]) / 2:
        return True
    values = [float(rows[0][place]) for place in numeric]
    years = all(value.is_integer() and 1500 <= value <= 2500 for value in values)
    counted = (
        len(values) >= 4
        and values == [values[0] + i for i in range(len(values))]
        and values[0] in (0, 1)
    )
    return (years and len(set(values)) == len(values) and len(values) > 1) or counted


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _refuse_open_quote(data: bytes, separator: str, name: str) -> None:
    """An odd number of quotes: find the row whose quote is never closed, if there is one."""
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")
    csv.field_size_limit(max(len(data), MAX_HEADER_BYTES))
    reader = csv.reader(text, delimiter=separator, strict=True)
    line = 1
    try:
        for _ in reader:
            line = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise DataRefused(
                f"{name} opens a quote in line {line:,} that is never closed. Close it, or take the "
                "quote out."
            ) from None


def _parse(
    data: bytes, separator: str, names: tuple[str, ...], has_names: bool, name: str
) -> pa.Table:
    import pyarrow as pa

    try:
        return _read(data, separator, names, has_names, None)
    except pa.ArrowInvalid as error:
        problem = error
    ragged: list[tuple[int, int]] = []
    try:
        # Types are guessed from the first block and a later one may disagree: texts are sorted out
        # afterwards. Read in one thread, so that a row of another width is known by its number.
        return _read(data, separator, names, has_names, pa.string(), ragged)
    except pa.ArrowInvalid as error:
        problem = error
    if ragged:
        row, width = ragged[0]
        values = "1 value" if width == 1 else f"{width:,} values"
        raise DataRefused(
            f"{name} has {values} in row {row:,}, where the first line has {len(names):,}. Add what is "
            f"missing, or put quotes around a value that holds a {_SEPARATORS[separator]}."
        )
    raise DataRefused(
        f"{name} cannot be read as a table ({quote(problem, 100)}). Save it again as CSV."
    )


def _read(
    data: bytes,
    separator: str,
    names: tuple[str, ...],
    has_names: bool,
    all_as: pa.DataType | None,
    ragged: list[tuple[int, int]] | None = None,
    block: int = _BLOCK_BYTES,
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    def remember(row: Any) -> str:
        if ragged is not None and not ragged:
            ragged.append((int(row.number or 0), int(row.actual_columns)))
        return "error"

    defaults = arrow_csv.ConvertOptions()
    try:
        return arrow_csv.read_csv(
            pa.py_buffer(data),
            arrow_csv.ReadOptions(
                use_threads=ragged is None,
                block_size=block,
                column_names=list(names),
                skip_rows=_lines_before_rows(data, separator) if has_names else 0,
            ),
            arrow_csv.ParseOptions(
                delimiter=separator,
                newlines_in_values=b'"' in data,
                invalid_row_handler=remember if ragged is not None else None,
            ),
            arrow_csv.ConvertOptions(
                null_values=[*defaults.null_values, "?"],
                strings_can_be_null=True,
                column_types=dict.fromkeys(names, all_as) if all_as else None,
                auto_dict_encode=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "straddl" not in str(error) or block > len(data):
            raise
    # A row longer than a block: read whole, and a value that is too long is refused by its column.
    return _read(data, separator, names, has_names, all_as, ragged, len(data) + 1)


def _lines_before_rows(data: bytes, separator: str) -> int:
    """How many lines the header takes: a quoted name may hold line breaks; blank lines may lead."""
    text = data[: MAX_HEADER_BYTES * 2].decode("utf-8", "ignore")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for row in reader:
        if row:
            break
    return reader.line_num


def _understand_texts(table: pa.Table, separator: str) -> tuple[pa.Table, tuple[str, ...]]:
    """Texts that are numbers after all: decimal commas, a few stray marks among numbers."""
    import pyarrow as pa

    notes: list[str] = []
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type) and column.null_count < len(column):
            column, note = _numbers_in(name, column, comma=separator != ",")
            notes.extend(note)
        columns.append(column)
    return pa.table(columns, names=table.column_names), tuple(notes)


def _numbers_in(
    name: str, column: pa.ChunkedArray, comma: bool
) -> tuple[pa.ChunkedArray, tuple[str, ...]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    present = len(column) - column.null_count
    for pattern, decimal_comma in ((_NUMBER, False), (_COMMA_NUMBER, True)):
        if decimal_comma and not comma:
            continue
        fits = pc.match_substring_regex(column, pattern)
        count = pc.sum(fits).as_py() or 0
        if count < present * _MOSTLY or count == 0:
            continue
        kept = pc.utf8_trim_whitespace(pc.if_else(fits, column, pa.scalar(None, column.type)))
        if decimal_comma:
            kept = pc.replace_substring(pc.replace_substring(kept, ".", ""), ",", ".")
        notes = []
        if decimal_comma:
            notes.append(
                f"{quote(name, 30)} is written with decimal commas and was read as numbers."
            )
        if count < present:
            stray = column.filter(pc.and_kleene(pc.is_valid(column), pc.invert(fits)))
            notes.append(
                f"{quote(name, 30)} holds {present - count:,} values that are no numbers, such as "
                f"{quote(stray[0].as_py(), 20)}, among {count:,} numbers: they count as missing."
            )
        return pc.cast(kept, pa.float64()), tuple(notes)
    return column, ()


def _encoding_notes(encoding: str) -> tuple[str, ...]:
    if encoding == "utf-8":
        return ()
    if encoding in ("cp1252", "latin-1"):
        return ("The text is not UTF-8 and was read as Western European (Windows-1252).",)
    return (f"The text was read as {encoding.upper()}.",)


def check_size(rows: int, columns: int, name: str) -> None:
    """Errors: DataRefused for more rows, or rows × columns, than fit."""
    if rows > MAX_ROWS:
        raise DataRefused(
            f"{name} has {rows:,} rows, and at most {MAX_ROWS:,} fit. Bring a part of them."
        )
    if rows * columns > MAX_CELLS:
        raise DataRefused(
            f"{name} has {rows:,} rows of {columns:,} columns, more than {MAX_CELLS:,} values. Bring "
            "fewer rows or columns."
        )


def check_texts(table: pa.Table, name: str) -> None:
    """Errors: DataRefused for a value that is far longer than a value of a table."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for column_name, column in zip(table.column_names, table.columns, strict=True):
        type_ = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not (pa.types.is_string(type_) or pa.types.is_large_string(type_)):
            continue
        chunks = column.chunks
        texts = [c.dictionary if pa.types.is_dictionary(column.type) else c for c in chunks]
        longest = max((pc.max(pc.utf8_length(text)).as_py() or 0 for text in texts), default=0)
        if longest > MAX_FIELD_CHARACTERS:
            raise DataRefused(
                f"{name} has a value of {longest:,} characters in {quote(column_name, 30)}, and at most "
                f"{MAX_FIELD_CHARACTERS:,} fit. Check whether a quote is open, or leave the column out."
            )
