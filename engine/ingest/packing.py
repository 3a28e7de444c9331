"""A file packed with gzip or zstd, or an archive of files, goes in; plain files of a bearable size come out."""

import errno
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import pyarrow as pa
from msgspec import Struct

from engine.errors import BadRequest, TooLarge, Unavailable

PIECE = 4 << 20
UNFINISHED = (".tmp", ".part", ".filepart", ".why")
"""How names end that are not files to load: what is still being written, and the notes beside what failed."""
_PACKED = (".gz", ".zst")
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # one without members
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
)
_ENCRYPTED = 1
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, ValueError)
"""What unpacking says of a file that is not what it should be."""


class Member(Struct, frozen=True):
    """A file to load: what people call it, its name inside an archive if it is from one, and how to get at it."""

    origin: str
    inside: str
    file: Callable[[], AbstractContextManager[Path]]


def unpacked(path: Path, origin: str, scratch: Path, most: int) -> tuple[Path, str]:
    """Return the file without its packing and the name it has then; at most `most` bytes are unpacked.

    An archive must hold one file. Raises `BadRequest` for a damaged file and `TooLarge` beyond `most`.
    """
    packing = packing_of(path)
    name = Path(path.name).stem if Path(path.name).suffix.lower() in _PACKED else path.name
    if packing is None:
        return path, name
    plain = scratch / "plain"
    if packing == "zip":
        with _archive(path, origin, most) as archive:
            several = _members(archive, origin)
            if len(several) > 1:
                raise BadRequest(
                    "several_files",
                    f"{origin} holds {len(several)} files, and one batch is one file",
                    hint="`tollhouse ingest` and the spool take archives apart; POST /cdrs takes one file at a time",
                )
            _write(partial(archive.open, several[0]), plain, origin, most)
        return plain, Path(several[0].filename).name
    if packing not in ("gzip", "zstd"):
        raise BadRequest(
            "unreadable_file", f"{origin} is packed with {packing}", hint="gzip, zstd and zip are read: pack it anew"
        )
    _write(lambda: pa.CompressedInputStream(pa.OSFile(str(path)), packing), plain, origin, most)
    return plain, name


@contextmanager
def members(path: Path, origin: str, most: int) -> Iterator[list[Member]]:
    """Give the file itself, or each file in it when it is a zip archive, by name.

    Raises `BadRequest` or `TooLarge` for an archive that is damaged or encrypted, or that says it holds more than
    `most` bytes; so does getting at a single member that is not what it says it is.
    """
    if not path.is_file() or packing_of(path) != "zip":
        yield [Member(origin, "", lambda: nullcontext(path))]
        return
    with _archive(path, origin, most) as archive:
        yield [_member(archive, member, origin, most) for member in _members(archive, origin)]


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, origin: str, most: int) -> Member:
    whole = f"{origin}/{called(member.filename)}"
    # The suffix tells what is in it; the rest of the name is nobody's business on this disk.
    suffix = "".join(re.findall(r"\.\w+", Path(member.filename).name)[-2:])

    @contextmanager
    def file() -> Iterator[Path]:
        with TemporaryDirectory(prefix="tollhouse-zip-") as scratch:
            place = Path(scratch) / f"member{suffix}"
            _write(partial(archive.open, member), place, whole, most)
            yield place

    return Member(whole, member.filename, file)


def called(name: str) -> str:
    """Return a file's name as it can be shown and stored: names on disks and in archives may hold any bytes."""
    return re.sub(r"[\x00-\x1f\x7f]", "?", name.encode("utf-8", "replace").decode("utf-8"))


def is_whole(name: str) -> bool:
    """Whether a name is that of a file to load: not hidden, not still being written, not a note of ours."""
    return not name.startswith(".") and not name.lower().endswith(UNFINISHED)


def packing_of(path: Path) -> str | None:
    """Return what a file is packed with, None when it is not."""
    with path.open("rb") as file:
        head = file.read(8)
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def _archive(path: Path, origin: str, most: int) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except (EOFError, *_BROKEN) as failure:
        raise _damaged(origin) from failure
    try:
        if sum(member.file_size for member in archive.infolist()) > most:
            raise _too_large(origin, most)
    except TooLarge:
        archive.close()
        raise
    return archive


def _members(archive: zipfile.ZipFile, origin: str) -> list[zipfile.ZipInfo]:
    names = archive.namelist()
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise BadRequest("unreadable_file", f"{origin} is a spreadsheet or a document", hint="save it as CSV first")
    found = [member for member in archive.infolist() if not member.is_dir() and _is_ours(member.filename)]
    if not found:
        raise BadRequest("empty_file", f"{origin} holds no file", hint="check how it was packed")
    if any(member.flag_bits & _ENCRYPTED for member in found):
        raise BadRequest("encrypted_file", f"{origin} is encrypted", hint="unpack it first and load what was in it")
    return sorted(found, key=lambda member: member.filename)


def _is_ours(name: str) -> bool:
    parts = name.split("/")
    return parts[0] != "__MACOSX" and not parts[-1].startswith(".")


def _write(unpacking: Callable[[], IO[bytes]], plain: Path, origin: str, most: int) -> None:
    written = 0
    try:
        with unpacking() as packed, plain.open("wb") as out:
            while piece := packed.read(PIECE):
                # What a header says of the size may be a lie, so what comes out is counted.
                written += len(piece)
                if written > most:
                    raise _too_large(origin, most)
                out.write(piece)
    except (OSError, EOFError, *_BROKEN) as failure:
        if isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable(
                "disk_full",
                f"there is no room to unpack {origin}",
                hint="make room where temporary files lie, or set TMPDIR",
            ) from failure
        raise _damaged(origin) from failure


def _damaged(origin: str) -> BadRequest:
    return BadRequest("unreadable_file", f"{origin} cannot be unpacked: it is cut off or damaged", hint="copy it again")


def _too_large(origin: str, most: int) -> TooLarge:
    return TooLarge(
        "unpacked_too_large",
        f"{origin} is more than {most} bytes when unpacked",
        hint="split it, or raise the setting max_unpacked_bytes",
    )
