"""Strangers' files: what is read from good ones, and one sentence for each bad one."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import re
import resource
import subprocess
import threading
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from builder.data import (
    Upload,
    check_upload,
    delete_upload,
    limits,
    list_uploads,
    load_dataset,
    open_upload,
    upload_worker,
    uploads,
)
from builder.data.choice import Task
from builder.data.profile import ColumnProfile
from builder.errors import DataRefused, NotFound
from builder.home import StorageRefused

GOOD = b"length,kind\n1.5,cat\n2.5,dog\n3.5,cat\n4.5,dog\n5.5,cat\n6.5,dog\n"


def lines(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def repeated_text(rows: int, columns: int) -> pa.Table:
    text = pa.array(["x" * 1000])
    codes = pa.array([0] * rows, pa.int32())
    return pa.table({f"c{i}": pa.DictionaryArray.from_arrays(codes, text) for i in range(columns)})


SMALL = parquet(pa.table({"a": [1.0, 2.0], "b": ["x", "y"]}))


def test_a_csv_is_read_profiled_and_kept_without_its_original_bytes(tmp_path: Path) -> None:
    upload = check_upload(GOOD, "pets.csv", tmp_path)
    assert upload.rows == 6
    assert [(c.name, c.kind, c.missing, c.different) for c in upload.columns] == [
        ("length", "number", 0, 6),
        ("kind", "text", 0, 2),
    ]
    assert (upload.columns[0].low, upload.columns[0].high, upload.columns[0].mean) == (
        1.5,
        6.5,
        4.0,
    )
    assert upload.target == "kind"
    assert upload.head().iloc[0].tolist() == ["1.5", "cat"]
    kept = sorted(file.name for file in upload.folder.iterdir())
    assert kept == ["meta.json", "table.parquet"]
    assert [folder.name for folder in (tmp_path / "datasets").iterdir()] == [upload.id]


def test_an_upload_trains_like_any_other_set(tmp_path: Path) -> None:
    upload = check_upload(GOOD, "pets.csv", tmp_path)
    data = load_dataset(upload.source, owner_dir=tmp_path, split=(0.5, 0.5, 0.0), standardise=False)
    assert data.target.names == ("cat", "dog")
    assert data.card.title == "pets.csv"
    assert data.train.x.shape == (3, 1)


def test_a_path_is_read_like_an_upload_and_nothing_stays_behind(tmp_path: Path) -> None:
    file = tmp_path / "pets.csv"
    file.write_bytes(GOOD)
    data = load_dataset(path=file, target="length", split=(0.5, 0.5, 0.0))
    assert data.target.kind == "number"
    again = load_dataset(str(file), target="length", split=(0.5, 0.5, 0.0))
    assert torch.equal(data.train.x, again.train.x)
    assert list(tmp_path.iterdir()) == [file]


def test_a_wide_upload_looks_at_each_column_a_few_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted on the names: looking one up by walking the columns makes the count a square."""
    width, looks = 2000, 0

    def look(self: ColumnProfile, attribute: str) -> object:
        nonlocal looks
        looks += attribute == "name"
        return object.__getattribute__(self, attribute)

    numbers = ",".join(map(str, range(width)))
    table = lines(",".join(f"gene{i}" for i in range(width)), numbers, *[f"9{numbers}"] * 9)
    upload = check_upload(table, "wide.csv", tmp_path)
    monkeypatch.setattr(ColumnProfile, "__getattribute__", look)
    data = load_dataset(upload.source, owner_dir=tmp_path)
    assert [upload.column(name).name for name in upload.names] == list(upload.names)
    assert upload.target == "gene0"  # the only column with two values
    assert data.features == upload.names[1:]
    assert looks < 10 * width


def test_a_column_that_is_not_there_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        check_upload(GOOD, "pets.csv", tmp_path).column("tail")


def test_the_same_bytes_are_the_same_upload(tmp_path: Path) -> None:
    first, again = (check_upload(GOOD, name, tmp_path) for name in ("a.csv", "b.csv"))
    assert first.id == again.id
    assert [upload.filename for upload in list_uploads(tmp_path)] == ["b.csv"]


def test_an_upload_can_be_deleted_and_then_is_gone(tmp_path: Path) -> None:
    upload = check_upload(GOOD, "pets.csv", tmp_path)
    delete_upload(tmp_path, upload.id)
    assert list_uploads(tmp_path) == []
    with pytest.raises(NotFound, match="Upload the file again"):
        load_dataset(upload.source, owner_dir=tmp_path)


def test_another_owner_does_not_find_it(tmp_path: Path) -> None:
    upload = check_upload(GOOD, "pets.csv", tmp_path / "one")
    with pytest.raises(NotFound):
        open_upload(tmp_path / "two", upload.id)


@pytest.mark.parametrize("upload_id", ["..", "../one", "", "a" * 20 + "/", "A" * 20])
def test_an_id_is_never_a_path(tmp_path: Path, upload_id: str) -> None:
    with pytest.raises(NotFound):
        open_upload(tmp_path, upload_id)


def test_a_damaged_record_is_passed_over_in_the_list(tmp_path: Path) -> None:
    upload = check_upload(GOOD, "pets.csv", tmp_path)
    (upload.folder / "meta.json").write_text("{half")
    assert list_uploads(tmp_path) == []
    with pytest.raises(DataRefused, match="damaged"):
        open_upload(tmp_path, upload.id)


@pytest.mark.parametrize(
    ("name", "content", "first_row", "note"),
    [
        ("semicolon.csv", b"a;b\n1;x\n2;y\n", ["1", "x"], ""),
        ("tab.tsv", b"a\tb\n1\tx\n2\ty\n", ["1", "x"], ""),
        ("bar.csv", b"a|b\n1|x\n2|y\n", ["1", "x"], ""),
        ("windows.csv", b"a,b\r\n1,x\r\n2,y\r\n", ["1", "x"], ""),
        ("old_mac.csv", b"a,b\r1,x\r2,y\r", ["1", "x"], ""),
        ("no_last_newline.csv", b"a,b\n1,x\n2,y", ["1", "x"], ""),
        ("blank_lines.csv", b"\n\na,b\n\n1,x\n\n2,y\n", ["1", "x"], ""),
        ("quoted.csv", b'a,b\n"1","x,\ny"\n2,z\n', ["1", "x,\ny"], ""),
        ("bom.csv", "\ufeffa,b\n1,é\n2,y\n".encode(), ["1", "é"], ""),
        ("utf16.csv", "a,b\n1,é\n2,y\n".encode("utf-16"), ["1", "é"], "UTF-16"),
        ("utf16_plain.csv", "a,b\n1,x\n2,y\n".encode("utf-16-be"), ["1", "x"], "UTF-16"),
        ("utf32.csv", "a,b\n1,é\n2,y\n".encode("utf-32"), ["1", "é"], "UTF-32"),
        ("latin.csv", "a,b\n1,é\n2,y\n".encode("latin-1"), ["1", "é"], "Western European"),
        ("windows1252.csv", "a,b\n1,“€”\n2,y\n".encode("cp1252"), ["1", "“€”"], "Western European"),
        ("comma_decimals.csv", b"a;b\n1,5;x\n1.000,5;y\n", ["1.5", "x"], "decimal commas"),
        ("no_names.data", b"1,2\n3,4\n5,6\n", ["1", "2"], "first line holds values"),
        ("years.csv", b"place,2019,2020\nA,1,2\nB,3,4\n", ["A", "1", "2"], ""),
        ("text.parquet", b"a,b\n1,x\n2,y\n", ["1", "x"], "The file is text"),
        ("table.csv", SMALL, ["1", "x"], "The file is parquet"),
        ("table.parquet", SMALL, ["1", "x"], ""),
        ("repeats.csv", b"a,a,b\n1,2,x\n3,4,y\n", ["1", "2", "x"], "Two columns are called “a”"),
        ("mixed.csv", lines("a,b", *(f"{i},x" for i in range(30)), "oops,y"), ["0", "x"], "“oops”"),
        ("beyond.csv", b"a,b\n99999999999999999999,x\n2,y\n", ["1e+20", "x"], ""),
        ("question.csv", b"a,b\n?,x\n2,y\n", ["", "x"], ""),
        ("inch.csv", b'a,b\n5" disk,x\n7,y\n', ['5" disk', "x"], ""),
    ],
)
def test_what_people_really_bring_is_read(
    tmp_path: Path, name: str, content: bytes, first_row: list[str], note: str
) -> None:
    upload = check_upload(content, name, tmp_path)
    assert upload.head().iloc[0].tolist() == first_row
    assert (note in " ".join(upload.notes)) if note else not upload.notes


def test_dates_booleans_and_holes_are_seen(tmp_path: Path) -> None:
    rows = ("when,flag,size,y", "2020-01-01,true,,a", "2021-06-01,false,2.5,b")
    upload = check_upload(lines(*rows), "t.csv", tmp_path)
    assert [(c.kind, c.missing) for c in upload.columns] == [
        ("date", 0),
        ("boolean", 0),
        ("number", 1),
        ("text", 0),
    ]


def test_hostile_column_names_become_short_visible_and_different(tmp_path: Path) -> None:
    header = f'<script>alert(1)</script>,"x\ny","\u202eevil",{"n" * 10_000},{"n" * 9_000},,y'
    upload = check_upload(lines(header, "1,2,3,4,5,6,7", "1,2,3,4,5,6,8"), "names.csv", tmp_path)
    assert upload.names[:3] == ("<script>alert(1)</script>", "x y", "evil")
    assert upload.names[3] == "n" * 79 + "…"
    assert upload.names[4] == "n" * 79 + "… (2)"
    assert upload.names[5:] == ("column 6", "y")


def test_the_header_can_be_said_to_be_missing(tmp_path: Path) -> None:
    upload = check_upload(b"red,5\nblue,6\n", "c.csv", tmp_path, header=False)
    assert upload.names == ("column 1", "column 2")
    assert upload.rows == 2


BAD = [
    ("empty.csv", b"", "is empty"),
    ("blank.csv", b" \n\t\n", "is empty"),
    ("only_bom.csv", b"\xef\xbb\xbf", "is empty"),
    ("header_only.csv", b"a,b\n", "no rows below"),
    ("one_column.csv", b"a\n1\n2\n", "a single column"),
    ("long_row.csv", b"a,b\n1,2\n3,4,5\n", "3 values in row 3, where the first line has 2"),
    ("short_row.csv", b"a,b\n1,2\n3\n", "1 value in row 3"),
    ("open_quote.csv", b'a,b\n1,"open\n2,3\n', "opens a quote in line 2 that is never closed"),
    ("open_header.csv", b'a,"b\n1,2\n2,3\n', "opens a quote in line 1"),
    ("wide.csv", (",".join(f"c{i}" for i in range(300_000)) + "\n").encode(), "300,000 columns"),
    ("wide_row.csv", b"a,b\n1,2\n" + b"1," * 300_000 + b"1\n", "300,001 values in row 3"),
    ("long_line.csv", b"a" * 3_000_000, "a first line longer"),
    ("long_value.csv", lines("a,b", "x" * 200_000 + ",1", "y,2"), "a value of 200,000 characters"),
    ("junk.csv", random.Random(1).randbytes(20_000), "binary data"),
    ("nul.csv", b"a,b\n1,\x002\n", "binary data"),
    ("controls.csv", b"a,b\n" + b"\x01\x02,3\n" * 50, "binary data"),
    ("book.csv", b"PK\x03\x04" + bytes(100), "an Excel workbook or a zip archive"),
    ("book.xls", b"\xd0\xcf\x11\xe0" + bytes(100), "an old Excel"),
    ("packed.csv.gz", b"\x1f\x8b\x08" + bytes(50), "gzip"),
    ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG picture"),
    ("array.csv", b"\x93NUMPY\x01\x00" + bytes(50), "a numpy array"),
    ("paper.csv", b"%PDF-1.7\n" + bytes(50), "a PDF"),
    ("pickle.csv", b"\x80\x04\x95" + bytes(30), "binary data"),
    ("half_utf16.csv", "a,b\n1,é\n".encode("utf-16")[:-1], "UTF-16 text but breaks off"),
    ("cut.parquet", SMALL[:-20], "cut off"),
    ("start.parquet", SMALL[:100], "cut off"),
    ("magic.parquet", b"PAR1", "cut off"),
    ("footer.parquet", SMALL[:-8] + b"\xff\xff\xff\x7fPAR1", "footer is damaged"),
    ("middle.parquet", SMALL[:4] + bytes(len(SMALL) - 12) + SMALL[-8:], "damaged parquet"),
    (
        "no_rows.parquet",
        parquet(pa.table({"a": pa.array([], "f8"), "b": pa.array([], "f8")})),
        "no rows",
    ),
    ("one_column.parquet", parquet(pa.table({"a": [1.0]})), "a single column"),
    (
        "lists.parquet",
        parquet(pa.table({"a": [[1], [2]], "b": [[1], [2]]})),
        "fewer than two columns",
    ),
    ("wide.parquet", parquet(pa.table({f"c{i}": [1] for i in range(6000)})), "6,000 columns"),
]


@pytest.mark.parametrize(("name", "content", "words"), BAD, ids=[name for name, _, _ in BAD])
def test_a_bad_file_gets_one_sentence_in_time_and_leaves_nothing(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    kept = check_upload(GOOD, "pets.csv", tmp_path)
    began = time.monotonic()
    with pytest.raises(DataRefused) as refused:
        check_upload(content, name, tmp_path)
    assert time.monotonic() - began < 5
    sentence = str(refused.value)
    assert sentence.startswith(f"“{name}” ")
    assert words in sentence
    assert len(sentence) < 300
    assert "Traceback" not in sentence
    assert list_uploads(tmp_path) == [kept]
    assert [folder.name for folder in (tmp_path / "datasets").iterdir()] == [kept.id]


def test_texts_repeated_a_million_times_do_not_unpack(tmp_path: Path) -> None:
    bomb = parquet(repeated_text(rows=1_500_000, columns=8))
    assert len(bomb) < 3_000_000  # of 12 GB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    upload = check_upload(bomb, "bomb.parquet", tmp_path)
    assert upload.columns[0].different == 1
    assert sum(file.stat().st_size for file in upload.folder.iterdir()) < 10_000_000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # KiB


def test_numbers_that_unpack_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    bomb = parquet(pa.table({f"c{i}": np.zeros(1_900_000) for i in range(60)}))
    with pytest.raises(
        DataRefused, match=r"1,900,000 rows of 60 columns|unpacks to more|says it holds"
    ):
        check_upload(bomb, "bomb.parquet", tmp_path)


def test_a_file_above_the_limit_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "big.csv"
    with file.open("wb") as handle:
        handle.truncate(limits.MAX_FILE_BYTES + 1)
    with pytest.raises(DataRefused, match="at most 50 MiB fit"):
        check_upload(file, file.name, tmp_path)


@pytest.mark.parametrize(
    ("path", "words"), [("missing.csv", "cannot be opened"), (".", "is no file")]
)
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, path: str, words: str) -> None:
    with pytest.raises(DataRefused, match=words):
        check_upload(tmp_path / path, path, tmp_path)


def test_an_owner_has_room_for_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOADS", 1)
    check_upload(GOOD, "pets.csv", tmp_path)
    with pytest.raises(DataRefused, match="Delete one"):
        check_upload(GOOD + b"7,cat\n", "more.csv", tmp_path)


def test_a_reader_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "WORKER_TIMEOUT_SECONDS", 0.01)
    with pytest.raises(DataRefused, match="took longer than"):
        check_upload(GOOD, "pets.csv", tmp_path)
    assert list((tmp_path / "datasets").iterdir()) == []


THREE = {"b": [1, 2, 3], "c": ["x", "y", "x"]}
NOTHING: dict[str, pa.Array] = {
    "null": pa.nulls(3),
    "numbers": pa.nulls(3, pa.float64()),
    "NaN": pa.array([float("nan")] * 3),
    "texts": pa.nulls(3, pa.string()),
    "dates": pa.nulls(3, pa.date32()),
}


@pytest.mark.parametrize("nothing", NOTHING)
def test_an_empty_column_of_a_parquet_is_left_out_with_a_note(tmp_path: Path, nothing: str) -> None:
    table = parquet(pa.table({"a": NOTHING[nothing], **THREE}))
    upload = check_upload(table, "t.parquet", tmp_path)
    assert upload.names == ("b", "c")
    assert upload.notes == ("“a” is empty in every row: left out.",)


def test_empty_columns_of_a_csv_are_left_out_with_one_note(tmp_path: Path) -> None:
    upload = check_upload(lines("a,b,c,d", "1,,x,", "2,,y,nan"), "t.csv", tmp_path)
    assert upload.names == ("a", "c")
    assert upload.notes == ("2 columns, such as “b”, are empty in every row: left out.",)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (lines("a,b", "nan,nan", ","), "holds no values: every cell is empty"),
        (lines(",,,", ",,,", ",,,"), "holds no values: every cell is empty"),
        (parquet(pa.table({"a": pa.nulls(2), "b": pa.nulls(2)})), "holds no values"),
        (lines("a,b", "1,", "2,"), "holds values only in “a”: every other column is empty"),
    ],
)
def test_a_table_of_nothing_is_one_sentence(tmp_path: Path, table: bytes, words: str) -> None:
    with pytest.raises(DataRefused, match=words):
        check_upload(table, "t", tmp_path)


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "Nowhere/Zone"])
def test_nanoseconds_are_read_to_the_microsecond(tmp_path: Path, zone: str | None) -> None:
    moments = pa.array([1, 1001, 2002003], pa.timestamp("ns", zone))
    upload = check_upload(parquet(pa.table({"t": moments, **THREE})), "t.parquet", tmp_path)
    assert (upload.columns[0].kind, upload.columns[0].different) == ("date", 3)
    assert upload.column("t").low == pytest.approx(-30, abs=0.01)
    load_dataset(upload.source, owner_dir=tmp_path)


@pytest.mark.parametrize("type_", [pa.timestamp("ms"), pa.timestamp("us"), pa.date32()])
def test_dates_that_no_calendar_has_count_as_missing(tmp_path: Path, type_: pa.DataType) -> None:
    whole = pa.int32() if type_ == pa.date32() else pa.int64()
    far = pa.array([2**31 - 1 if whole == pa.int32() else 2**62, 10, None], whole).cast(type_)
    upload = check_upload(parquet(pa.table({"t": far, **THREE})), "t.parquet", tmp_path)
    assert upload.column("t").missing == 2
    assert "“t” holds dates outside the years 2 to 9998 in 1 row:" in upload.notes[0]


@pytest.mark.parametrize("task", ["auto", "number", "classes"])
def test_a_target_of_infinite_values_is_not_called_empty(tmp_path: Path, task: Task) -> None:
    upload = check_upload(lines("a,y", "1,inf", "2,-inf", "3,inf"), "t.csv", tmp_path)
    with pytest.raises(DataRefused, match="“y” is infinite or too big for float32 in every row"):
        load_dataset(upload.source, owner_dir=tmp_path, target="y", task=task)


@pytest.mark.parametrize("quoted", ['"', ""])
def test_a_field_longer_than_a_block_is_named_with_its_length(tmp_path: Path, quoted: str) -> None:
    table = lines("a,b", "1,x", f"2,{quoted}{'z' * 10_000_000}{quoted}", "3,y")
    with pytest.raises(DataRefused, match="a value of 10,000,000 characters in “b”, and at most"):
        check_upload(table, "t.csv", tmp_path)


def test_a_row_longer_than_a_block_with_short_fields_is_read(tmp_path: Path) -> None:
    wide = ",".join(f"c{i}" for i in range(1000)), ",".join(["x" * 5000] * 1000)
    assert check_upload(lines(*wide, wide[1]), "t.csv", tmp_path).rows == 2


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffsep=;", "SEP=;\r", "sep=;;"])
def test_excels_first_line_names_the_separator(tmp_path: Path, first: str) -> None:
    upload = check_upload(lines(first, "a,x;b", "1,5;2", "3,5;4"), "t.csv", tmp_path)
    assert upload.names == ("a,x", "b")
    assert upload.columns[0].high == 3.5


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (lines("sep=^", "a^b", "1^2"), "says that its values are separated by “^”"),
        (lines("sep=;"), "holds nothing below its first line"),
        (lines("sep=;", "a;b", "1;2", "1"), "has 1 value in row 4"),
    ],
)
def test_a_first_line_of_excels_that_does_not_help_is_said(
    tmp_path: Path, table: bytes, words: str
) -> None:
    with pytest.raises(DataRefused, match=re.escape(words)):
        check_upload(table, "t.csv", tmp_path)


def test_a_file_name_is_repeated_short_and_without_marks(tmp_path: Path) -> None:
    with pytest.raises(DataRefused) as refused:
        check_upload(b"", "a\n\u202e" + "b" * 500 + ".csv", tmp_path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_file_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="Rename the file") as refused:
        check_upload(GOOD, "pets\ud800.csv", tmp_path)
    str(refused.value).encode("utf-8")
    assert list(tmp_path.iterdir()) == []


def test_a_file_name_with_folders_is_kept_as_a_name(tmp_path: Path) -> None:
    upload: Upload = check_upload(GOOD, "../../etc/passwd", tmp_path)
    assert upload.filename == "passwd"
    assert json.loads((upload.folder / "meta.json").read_text())["filename"] == "passwd"


TOKEN = "a-secret-token"


def refusing(number: int) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number), f"/srv/owners/{TOKEN}/datasets/file")

    return refuse


@pytest.mark.parametrize("step", ["mkdir", "write_bytes", "write_text", "rename"])
@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "is full"), (errno.EROFS, "may not be written to"), (errno.EIO, "cannot be")],
)
def test_a_disk_that_refuses_an_upload_gets_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, words: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, step, refusing(number))
        with pytest.raises(StorageRefused, match=words) as refused:
            check_upload(GOOD, "pets.csv", tmp_path / "owners" / TOKEN)
    assert TOKEN not in str(refused.value)
    assert not list(tmp_path.glob("owners/*/datasets/*"))


def test_a_disk_that_refuses_the_reader_says_so_in_its_return_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pets.csv").write_bytes(GOOD)
    request = {"path": str(tmp_path / "pets.csv"), "name": "", "header": None, "folder": ""}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(request)))
    monkeypatch.setattr(upload_worker, "_limit_this_process", lambda: None)
    monkeypatch.setattr(upload_worker, "_write_table", refusing(errno.ENOSPC))
    code = upload_worker.main()
    done = subprocess.CompletedProcess[bytes]([], code, b"", b"")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: done)
    with pytest.raises(StorageRefused, match="is full"):
        check_upload(GOOD, "pets.csv", tmp_path)


def test_a_reader_that_fails_does_not_tell_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = f"OSError: [Errno 27] File too large: '/srv/owners/{TOKEN}'".encode()
    done = subprocess.CompletedProcess[bytes]([], 1, b"", last)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: done)
    with pytest.raises(DataRefused, match="stopped the reader") as refused:
        check_upload(GOOD, "pets.csv", tmp_path)
    assert TOKEN not in str(refused.value)


def test_a_disk_that_does_not_let_go_of_an_upload_gets_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner_dir = tmp_path / "owners" / TOKEN
    upload = check_upload(GOOD, "pets.csv", owner_dir)
    monkeypatch.setattr(Path, "rename", refusing(errno.EROFS))
    with pytest.raises(StorageRefused, match="may not be written to") as refused:
        delete_upload(owner_dir, upload.id)
    assert TOKEN not in str(refused.value)
    assert load_dataset(upload.source, owner_dir=owner_dir).card.rows == 6  # nothing of it is lost


def test_the_same_file_brought_twice_at_once_is_kept_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, rename = threading.Barrier(2), Path.rename

    def together(path: Path, target: Path) -> Path:
        both.wait(30)  # neither has found the other's folder
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", together)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(check_upload, GOOD, "pets.csv", tmp_path) for _ in range(2)]
        found = {future.result().id for future in futures}
    assert [upload.id for upload in list_uploads(tmp_path)] == list(found)
    assert [folder.name for folder in (tmp_path / "datasets").iterdir()] == list(found)


def test_bringing_a_file_again_never_leaves_a_reader_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = check_upload(GOOD, "pets.csv", tmp_path)
    monkeypatch.setattr("shutil.rmtree", lambda path, **_: None if path != first.folder else 1 / 0)
    again = check_upload(GOOD, "animals.csv", tmp_path)
    assert (again.id, open_upload(tmp_path, first.id).filename) == (first.id, "animals.csv")


def test_a_delete_that_wins_against_the_same_upload_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = check_upload(GOOD, "pets.csv", tmp_path)
    replace = os.replace

    def deleted_first(*paths: Path) -> None:
        monkeypatch.setattr(os, "replace", replace)
        delete_upload(tmp_path, first.id)
        replace(*paths)

    monkeypatch.setattr(os, "replace", deleted_first)
    assert check_upload(GOOD, "pets.csv", tmp_path).id == first.id
    assert [upload.id for upload in list_uploads(tmp_path)] == [first.id]


def test_the_refusal_for_lack_of_room_says_how_much_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_upload(GOOD, "pets.csv", tmp_path)
    monkeypatch.setattr(uploads, "MAX_OWNER_BYTES", 10)
    with pytest.raises(DataRefused, match=r"you keep 1 of 50 uploads, 0 of 0 MiB in all\. Delete"):
        check_upload(GOOD + b"7,cat\n", "more.csv", tmp_path)


def test_the_server_takes_files_of_the_size_the_data_room_takes() -> None:
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit/config.toml").read_text())
    assert config["server"]["maxUploadSize"] * limits.MIB == limits.MAX_FILE_BYTES
