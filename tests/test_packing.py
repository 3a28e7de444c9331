"""What is packed is unpacked, archives are taken apart, and neither fills the disk."""

import bz2
import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import BadRequest, TollhouseError, TooLarge
from engine.ingest import packing

TEXT = b"call_id,start_time\n" + b"a,2026-10-01T12:00:00Z\n" * 2000
MOST = 1 << 20


def unpacked(folder: Path, content: bytes, name: str = "calls.csv") -> tuple[bytes, str]:
    (folder / name).write_bytes(content)
    scratch = folder / "scratch"
    scratch.mkdir()
    plain, told = packing.unpacked(folder / name, "inbox/calls", scratch, MOST)
    return plain.read_bytes(), told


def members(path: Path, most: int = MOST) -> dict[str, bytes]:
    """What an archive holds, by origin."""
    found = {}
    with packing.members(path, "a.zip", most) as inside:
        for member in inside:
            with member.file() as file:
                found[member.origin] = file.read_bytes()
                place = file
            assert not place.exists()
    return found


def zipped(folder: Path, files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def changed(path: Path, change: Callable[[bytearray], None]) -> Path:
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)
    return path


def test_what_is_not_packed_stays_where_it_is(tmp_path: Path) -> None:
    assert unpacked(tmp_path, TEXT) == (TEXT, "calls.csv")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_gzip_is_known_by_its_content_and_may_come_in_pieces(tmp_path: Path) -> None:
    # Rotated logs are packed day by day and appended to one another.
    assert unpacked(tmp_path, gzip.compress(TEXT) + gzip.compress(b"b,1\n"), "calls") == (TEXT + b"b,1\n", "calls")


def test_a_zip_of_one_file_is_that_file(tmp_path: Path) -> None:
    content = zipped(tmp_path, {"October.CSV": TEXT}).read_bytes()
    assert unpacked(tmp_path, content, "upload.zip") == (TEXT, "October.CSV")


def test_a_zip_of_several_files_is_not_one_batch(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="inbox/calls holds 2 files") as refusal:
        unpacked(tmp_path, zipped(tmp_path, {"a.csv": TEXT, "b.csv": TEXT}).read_bytes())
    assert refusal.value.code == "several_files"


def test_what_is_packed_in_another_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="packed with bzip2"):
        unpacked(tmp_path, bz2.compress(TEXT))


def test_no_more_is_unpacked_than_the_setting_allows(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="inbox/calls is more than 1048576 bytes when unpacked") as refusal:
        unpacked(tmp_path, gzip.compress(bytes(200 * MOST)))
    assert refusal.value.hint == "split it, or raise the setting max_unpacked_bytes"
    assert (tmp_path / "scratch" / "plain").stat().st_size <= MOST


def test_members_come_by_name_and_nothing_is_written_where_they_say(tmp_path: Path) -> None:
    files = {"../../b.csv": b"b", "a\nb.csv": b"n", "/etc/c": b"c", "d/": b"", "d/.hidden": b"h", "__MACOSX/x": b"m"}
    path = zipped(tmp_path, files)
    assert members(path) == {"a.zip/../../b.csv": b"b", "a.zip//etc/c": b"c", "a.zip/a?b.csv": b"n"}
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_the_archive_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    bomb = zipped(tmp_path, {"a.csv": bytes(MOST // 2), "b.csv": bytes(MOST // 2), "c.csv": b"c"})
    with pytest.raises(TooLarge, match=r"a\.zip is more than 1048576 bytes when unpacked"):
        members(bomb)


def test_what_an_archive_says_of_a_size_is_not_believed(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.csv": bytes(20 * MOST), "b.csv": b"good"})

    def lie(content: bytearray) -> None:
        central = content.index(b"PK\x01\x02")
        content[central + 24 : central + 28] = (100).to_bytes(4, "little")

    with packing.members(changed(path, lie), "a.zip", MOST) as (bomb, good):
        with pytest.raises(BadRequest, match=r"a\.zip/a\.csv cannot be unpacked"), bomb.file():
            pass
        with good.file() as file:
            assert file.read_bytes() == b"good"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda content: content.__delitem__(slice(len(content) - 30, None)), "unreadable_file"),
        (lambda content: content.__setitem__(slice(60, 80), bytes(20)), "unreadable_file"),
        (lambda content: content.__setitem__(content.index(b"PK\x01\x02") + 8, 1), "encrypted_file"),
        (lambda content: content.__setitem__(content.index(b"PK\x01\x02") + 10, 99), "unreadable_file"),
    ],
    ids=["ends early", "damaged inside", "encrypted", "packed by a method nobody knows"],
)
def test_an_archive_that_cannot_be_read_is_refused(
    tmp_path: Path, change: Callable[[bytearray], None], code: str
) -> None:
    with pytest.raises(TollhouseError) as refusal:
        members(changed(zipped(tmp_path, {"a.csv": TEXT}), change))
    assert refusal.value.code == code


def test_a_spreadsheet_is_no_archive_of_calls(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="spreadsheet"):
        members(zipped(tmp_path, {"[Content_Types].xml": b"", "xl/workbook.xml": b""}))


def test_an_archive_without_files_is_empty(tmp_path: Path) -> None:
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    (tmp_path / "a.zip").write_bytes(empty.getvalue())
    with pytest.raises(BadRequest, match=r"a\.zip holds no file") as refusal:
        members(tmp_path / "a.zip")
    assert refusal.value.code == "empty_file"


@pytest.mark.parametrize("name", [".hidden.csv", "calls.csv.part", "calls.csv.TMP", "calls.filepart", "calls.csv.why"])
def test_what_is_still_being_written_has_another_name(name: str) -> None:
    assert not packing.is_whole(name)


def test_names_of_any_bytes_can_be_shown() -> None:
    assert packing.called("caf\udce9\n\x1b[31m.csv") == "caf??" + "?[31m.csv"
