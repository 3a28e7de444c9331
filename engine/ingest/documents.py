"""JSON as systems print it goes in, objects one after the other and the names of their keys come out.

One object over many lines, a list of objects, or a page that has its objects under a key: the engine's own reader
takes objects and lists as they are, so only what stands around them is taken away.
"""

import re
from pathlib import Path

import msgspec

from engine.errors import BadRequest

_NAN = re.compile(rb'("\s*:\s*)-?(?:nan|inf|NaN|Infinity)(?=\s*[,}])')
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_PIECE = 4 << 20


def documents(path: Path, origin: str, records: str, scratch: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the file to read and the keys of its objects; no keys when it has one object in each line.

    `records` is the key of the list in a page. A number that is none (`nan`) becomes null. Raises `BadRequest` for
    text that is no JSON.
    """
    path = _without_nan(path, scratch / "numbers.json")
    with path.open("rb") as file:
        first = file.readline().removeprefix(b"\xef\xbb\xbf")
        more = bool(file.readline().strip())
    if more and first.lstrip().startswith(b"{") and _decodes(first):
        return path, ()
    text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").strip()
    try:
        if text.startswith(b"{"):
            page = _OBJECT.decode(text)
            if records not in page:
                return path, tuple(page)
            text = bytes(page[records])
            path = scratch / "records.json"
            path.write_bytes(text)
        names: dict[str, None] = {}
        for keys in dict.fromkeys(tuple(found) for found in _OBJECTS.decode(text)):
            names.update(dict.fromkeys(keys))
    except (msgspec.DecodeError, UnicodeDecodeError) as failure:
        raise BadRequest(
            "unreadable_file", f"{origin} is not readable as JSON: {failure}", hint="check that the file is whole"
        ) from failure
    if not names:
        raise BadRequest("empty_file", f"{origin} holds no record", hint="check the export")
    return path, tuple(names)


def _decodes(line: bytes) -> bool:
    try:
        _OBJECT.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _without_nan(path: Path, mended: Path) -> Path:
    with path.open("rb") as file:
        changed = 0
        with mended.open("wb") as out:
            # By lines, so that no key is parted from its value; a few megabytes of them at a time.
            while lines := file.readlines(_PIECE):
                text, count = _NAN.subn(rb"\1null", b"".join(lines))
                changed += count
                out.write(text)
    return mended if changed else path
