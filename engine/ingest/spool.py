"""A folder that switches drop files into goes in; each file, once it is whole, is loaded and moved to done or failed.

Nothing but the folder and the database says how far things have come. A file is loaded under a key made of its name
and what the disk says of it, so one that was loaded and not yet moved when the process died is moved and not loaded.
"""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

from msgspec import Struct

from engine.errors import BadRequest, Conflict, TollhouseError, TooLarge
from engine.ingest import dialects
from engine.ingest.batches import Receipt
from engine.ingest.packing import called, is_whole, members
from engine.ingest.reading import Asked, Request
from engine.settings import Settings, SpoolFolder

log = logging.getLogger("tollhouse.spool")

Load = Callable[[Path, str, Asked, Request], Receipt]
"""Loads one file as one batch, and the same request only once."""

_Stamp = tuple[int, int, int, int]
"""Size, time of the last change of content and of anything, and number of a file: another drop has another."""

_LONGEST_WAIT = 300
"""Seconds between two tries to load a file while the database cannot be reached."""


class _Seen:
    """A file that lies in the folder: what it looks like, since when, and how often it could not be loaded."""

    def __init__(self, stamp: _Stamp, now: float) -> None:
        self.stamp = stamp
        self.since = now
        self.again = now
        self.tries = 0


class Taken(Struct):
    """What became of the files of a folder since the program began."""

    done: int = 0
    failed: int = 0
    rejected: int = 0


class Spool:
    """One folder, watched by one thread of one process."""

    def __init__(self, folder: SpoolFolder, settings: Settings, load: Load) -> None:
        """Raises `BadRequest` when the folder cannot be used, or its files could not be read as they are said to be."""
        self.path = Path(folder.path)
        self.taken = Taken()
        self._asked = Asked(folder.dialect, folder.source, folder.zone)
        self._settle = settings.spool_settle_seconds
        self._most = settings.max_unpacked_bytes
        self._load = load
        self._seen: dict[str, _Seen] = {}
        if (
            folder.dialect
            and dialects.find(folder.dialect, settings.dialects_folder).zone == "asked"
            and folder.zone is None
        ):
            raise BadRequest("zone_needed", f"{self.path}: {folder.dialect} writes local times", hint="say zone")
        try:
            for name in ("done", "failed"):
                (self.path / name).mkdir(exist_ok=True)
        except OSError as failure:
            raise BadRequest(
                "bad_setting", f"spool: cannot use {self.path}: {failure.strerror}", hint="make the folder first"
            ) from failure

    @property
    def waiting(self) -> int:
        """How many files lie in the folder."""
        return len(self._seen)

    def look(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Take every file that has not changed for as long as the setting says, the oldest first."""
        files = sorted(self._files(), key=lambda file: (file[1][1], file[0]))
        self._seen = {name: seen for name, seen in self._seen.items() if name in {name for name, _ in files}}
        for name, stamp in files:
            now = time.monotonic()
            seen = self._seen.get(name)
            if seen is None or seen.stamp != stamp:
                seen = self._seen[name] = _Seen(stamp, now)
            if now >= max(seen.since + self._settle, seen.again):
                if stopped():
                    return
                self._take(name, seen)

    def _files(self) -> Iterator[tuple[str, _Stamp]]:
        with os.scandir(self.path) as entries:
            for entry in entries:
                if is_whole(entry.name) and entry.is_file(follow_symlinks=False):
                    try:
                        yield entry.name, _stamp(self.path / entry.name)
                    except FileNotFoundError:
                        continue  # taken away while we looked

    def _take(self, name: str, seen: _Seen) -> None:
        path = self.path / name
        try:
            receipts, refused = self._loaded(path, seen.stamp)
            if _stamp(path) != seen.stamp:
                # Somebody was still writing. What was loaded stays, and is known again when the rest comes.
                log.warning("%s changed while it was loaded, and is loaded again", called(name))
                return
            self._put_away(path, receipts, refused)
        except FileNotFoundError:
            log.warning("%s was taken away while it was loaded", called(name))
        except (TollhouseError, OSError) as failure:
            # Not the file's fault: it stays where it is.
            seen.tries += 1
            wait = min(2**seen.tries, _LONGEST_WAIT)
            seen.again = time.monotonic() + wait
            log.error("%s stays, and is tried again in %d s: %s", called(name), wait, failure)
        else:
            del self._seen[name]

    def _loaded(self, path: Path, stamp: _Stamp) -> tuple[list[Receipt], list[str]]:
        """Load a file, or what is in it; return the receipts, and why what was refused was."""
        receipts: list[Receipt] = []
        refused: list[str] = []
        try:
            with members(path, called(path.name), self._most) as inside:
                for member in inside:
                    try:
                        with member.file() as file:
                            request = Request(_key(path.name, member.inside, stamp))
                            receipts.append(self._load(file, member.origin, self._asked, request))
                    except (BadRequest, TooLarge) as failure:
                        if failure.code == "file_changed":  # somebody is writing it anew
                            raise Conflict(failure.code, failure.message) from failure
                        refused.append(str(failure))
        except (BadRequest, TooLarge) as failure:
            refused.append(str(failure))
        return receipts, refused

    def _put_away(self, path: Path, receipts: list[Receipt], refused: list[str]) -> None:
        place = _free(self.path / ("failed" if refused else "done"), path.name)
        told = [
            f"batch {receipt.batch}: {receipt.origin} as {receipt.dialect}: {receipt.received} received, "
            f"{receipt.accepted} accepted, {receipt.rejected} rejected"
            for receipt in receipts
        ]
        if refused:
            place.with_name(f"{place.name}.why").write_text("".join(f"{line}\n" for line in [*refused, *told]), "utf-8")
        path.rename(place)
        for line in told:
            log.info("%s", line)
        for line in refused:
            log.error("%s", line)
        self.taken.rejected += sum(receipt.rejected for receipt in receipts)
        if refused:
            self.taken.failed += 1
        else:
            self.taken.done += 1


class Watcher:
    """Looks into every folder again and again, each in a thread of its own, so that no switch waits for another."""

    def __init__(self, spools: list[Spool], settle: float) -> None:
        self._pause = min(1.0, max(0.05, settle / 4))
        self._stop = Event()
        self._threads = [Thread(target=self._watch, args=(spool,), name=f"spool {spool.path}") for spool in spools]

    def __enter__(self) -> "Watcher":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        """Stop; a file that is being loaded is loaded to its end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, spool: Spool) -> None:
        broken = False
        while not self._stop.is_set():
            try:
                spool.look(self._stop.is_set)
                broken = False
            except OSError as failure:
                if not broken:  # said once, not every second
                    log.error("cannot look into %s: %s", spool.path, failure.strerror)
                broken = True
            except Exception as failure:  # whatever it is, the next file may be another
                log.error("%s: %s", spool.path, type(failure).__name__)
            self._stop.wait(self._pause)


def _stamp(path: Path) -> _Stamp:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _key(name: str, inside: str, stamp: _Stamp) -> str:
    said = "\0".join([name, inside, *map(str, stamp)])
    return f"spool:{hashlib.sha256(said.encode('utf-8', 'surrogateescape')).hexdigest()}"


def _free(folder: Path, name: str) -> Path:
    """A name that nothing in `folder` has: switches use names again."""
    place, number = folder / name, 2
    stem, dot, suffix = name.partition(".")
    while place.exists():
        place = folder / f"{stem}-{number}{dot}{suffix}"
        number += 1
    return place
