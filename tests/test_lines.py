"""Lines that are cut at the delimiter are read exactly as the engine's CSV reader reads them."""

import os
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import BadRequest
from engine.ingest import lines, sources, stage
from engine.ingest.dialects import canonical
from engine.ingest.pipeline import Asked
from engine.ingest.sources import Source
from engine.site import Site
from engine.statement import Statement
from engine.template import render
from engine.warehouse.failures import EngineFailure
from engine.warehouse.piece import Piece, descriptor, opened

HEADER = "call_id,start_time,customer,cli,duration,note\n"
GOOD = "c1,2026-10-01T00:00:00Z,acme,18005550100,1.5,hello\n"


ODD_ROWS = "SELECT row FROM staging WHERE batch = {batch:UInt32} AND part = 'odd' ORDER BY row"
BROKEN = render("ingest/broken.sql.j2", holds="true")


class ReadWhole(Exception):
    """A line is no record by itself."""


@contextmanager
def source_of(path: Path) -> Iterator[Source]:
    with sources.opened(path, path.name, lambda _: sources.Layout(), 1 << 30) as source:
        yield source


def rows(site: Site, source: Source, batch: int) -> list[tuple[object, ...]]:
    """What staging holds of a source, or the code of the error that reading it ends in."""
    reader = stage.Reader(batch, "test", None, "USD", "true", None)
    statement = stage.statement(source, canonical(), reader)
    for stretch in source.stretches or (lines.Stretch(Piece.whole(source.path), 0),):
        told = Statement(statement.sql, {**statement.parameters, "before": stretch.before})
        told = Statement(told.sql, {name: value for name, value in told.parameters.items() if f"{{{name}:" in told.sql})
        site.warehouse.insert_file(told, stretch.piece, source.encoding, source.structure)
    if source.cut and (
        odd := [int(row[0]) for row in site.warehouse.query(Statement(ODD_ROWS, {"batch": batch})).rows]
    ):
        if (looked := sources.odd_lines(source, odd)) is None:
            raise ReadWhole
        again, broken = looked
        site.warehouse.command(Statement(BROKEN, {"batch": batch, "rows": broken}))
        if again.size:
            rows(site, again, batch)
    said = "SELECT * EXCEPT (batch, raw) FROM staging WHERE batch = {batch:UInt32} AND part = '' ORDER BY row"
    return [tuple(row) for row in site.warehouse.query(Statement(said, {"batch": batch})).rows]


PLAIN = {
    "nothing in quotes": GOOD,
    "everything in quotes": '"c1","2026-10-01T00:00:00Z","acme","18005550100","1.5","hello"\n',
    "some in quotes": 'c1,"2026-10-01T00:00:00Z",acme,18005550100,"1.5",hello\n',
    "empty values, in quotes and not": 'c1,2026-10-01T00:00:00Z,"",,"",\n',
    "blanks around values": " c1 ,2026-10-01T00:00:00Z , acme, 18005550100,1.5 ,  \n",
    "blanks within quotes": '" c1 ","2026-10-01T00:00:00Z"," acme","18005550100","1.5"," "\n',
    "too many values": GOOD.strip() + ",more\n" + GOOD,
    "too few values": "c1,2026-10-01T00:00:00Z,acme\n" + GOOD,
    "a delimiter at the end": GOOD.strip() + ",\n" + GOOD,
    "empty lines": "\n" + GOOD + "\n\n  \n" + GOOD.replace("c1", "c2"),
    "no line end at the end": GOOD + GOOD.replace("c1", "c2").strip(),
    "CR LF": (GOOD + GOOD.replace("c1", "c2")).replace("\n", "\r\n"),
    "letters beyond ASCII": GOOD.replace("acme", "Zürich ☎"),
    "apostrophes and backslashes": GOOD.replace("acme", "o'neil\\n\\N"),
}

ODD = {
    "a delimiter in quotes": GOOD.replace("acme", '"acme, inc"'),
    "a delimiter in quotes and a value less": 'c1,2026-10-01T00:00:00Z,"acme, inc",18005550100,1.5\n' + GOOD,
    "a quote within quotes": GOOD.replace("acme", '"ac""me"'),
    "a quote in the middle": GOOD.replace("acme", 'ac"me'),
    "a quote at each end of two values": 'c1,2026-10-01T00:00:00Z,"acme,18005550100",1.5,hello\n' + GOOD,
    "nothing but a delimiter in quotes": GOOD.replace("acme", '","'),
    "two quotes before a value": GOOD.replace("acme", '""acme') + GOOD,
    "a line end in quotes": GOOD.replace("acme", '"ac\nme"'),
    "a tab": GOOD.replace("acme", "\tacme"),
    "a NUL byte": GOOD.replace("acme", "ac\0me") + GOOD,
    "a CR in the middle": GOOD.replace("acme", "ac\rme"),
}


@pytest.fixture(scope="module")
def batches() -> Iterator[int]:
    return iter(range(1000, 100_000))


@pytest.mark.engine
@pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")
class TestCutting:
    def both(self, site: Site, path: Path, batches: Iterator[int]) -> tuple[object, object, bool]:
        """What reading the file with less and with more care gives, and whether less was tried at all."""
        with source_of(path) as source:
            if not source.cut:
                return None, None, False
            try:
                cut: object = rows(site, source, next(batches))
            except ReadWhole:
                cut = "read whole"
            careful = sources.parsed(source)
            assert not careful.cut
            try:
                return cut, rows(site, careful, next(batches)), True
            except EngineFailure:
                return cut, "unreadable", True

    @pytest.mark.parametrize("name", PLAIN)
    def test_a_plain_line_reads_the_same(self, site: Site, tmp_path: Path, name: str, batches: Iterator[int]) -> None:
        path = tmp_path / "calls.csv"
        text = HEADER + PLAIN[name]
        path.write_bytes((text.replace(HEADER, HEADER.replace("\n", "\r\n")) if "\r" in text else text).encode())
        cut, read, tried = self.both(site, path, batches)
        assert tried and cut == read != "read whole"

    @pytest.mark.parametrize("name", ODD)
    def test_an_odd_line_far_into_a_file_is_read_again_by_itself(
        self, site: Site, tmp_path: Path, name: str, batches: Iterator[int]
    ) -> None:
        path = tmp_path / "calls.csv"
        ahead = "".join(GOOD.replace("c1", f"a{n}") for n in range(6000))  # more than is looked at beforehand
        path.write_text(HEADER + ahead + ODD[name], "utf-8", newline="")
        cut, read, tried = self.both(site, path, batches)
        assert tried
        if name in ("a line end in quotes", "a CR in the middle"):
            assert cut == "read whole"
        elif read == "unreadable":
            assert isinstance(cut, list)
            assert [row[0] for row in cut][:6001] == list(range(1, 6002))
        else:
            assert cut == read

    @pytest.mark.parametrize("seed", range(16))
    def test_whatever_lines_are_made_of_they_read_the_same_or_are_read_again(
        self, site: Site, tmp_path: Path, seed: int, batches: Iterator[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lines, "plain", lambda *_: True)
        chance = random.Random(seed)
        bits = ['"', '""', ",", " ", "a", "b c", "1.5", '"x"', "", "'", "\\", "é", ';"', '",']
        made = [
            "".join(chance.choice(bits) for _ in range(chance.randrange(12))) if chance.random() < 0.3 else GOOD.strip()
            for _ in range(8)
        ]
        path = tmp_path / "calls.csv"
        path.write_text(HEADER + "\n".join(made) + "\n", "utf-8")
        try:
            cut, read, _ = self.both(site, path, batches)
        except BadRequest:
            return  # a quote that is never closed: said before anything is read
        assert cut in (read, "read whole") or read == "unreadable"


@pytest.mark.engine
class TestReading:
    def test_pieces_make_up_the_file(
        self, site: Site, tmp_path: Path, batches: Iterator[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "calls.csv"
        path.write_text(HEADER + "".join(GOOD.replace("c1", f"c{n}") for n in range(1000)))
        with source_of(path) as source:
            assert len(source.stretches) == 1
            whole = rows(site, source, next(batches))
        monkeypatch.setattr(lines, "LEAST", 1000)
        with source_of(path) as source:
            assert len(source.stretches) > 1
            assert rows(site, source, next(batches)) == whole and len(whole) == 1000

    def test_a_file_with_an_odd_line_is_loaded_whole(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lines, "LEAST", 1000)
        path = tmp_path / "calls.csv"
        path.write_text(
            HEADER + "".join(GOOD.replace("c1", f"d{n}") for n in range(6000)) + ODD["a delimiter in quotes"], "utf-8"
        )
        receipt = site.ingest(path, "calls.csv", Asked())
        assert (receipt.received, receipt.accepted, receipt.rejected) == (6001, 6001, 0)


class TestPieces:
    @pytest.mark.parametrize("name", ODD)
    def test_an_odd_line_at_the_beginning_is_seen_beforehand(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / "calls.csv"
        path.write_text(HEADER + ODD[name], "utf-8", newline="")
        with source_of(path) as source:
            assert not source.cut

    @pytest.mark.parametrize("count", [1, 2, 3, 7])
    def test_every_line_lies_in_one_piece(self, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("os.cpu_count", lambda: count)
        path = tmp_path / "calls.csv"
        for text in (b"", b"h\n", b"h\nx", b"h\n" + b"abc\n" * 50, b"h\n" + b"y" * 500 + b"\nz\n", b"h\n\n\n\n\n\n"):
            path.write_bytes(text)
            monkeypatch.setattr(lines, "LEAST", 1 + len(text) // (count + 1))
            found = lines.stretches(path, min(2, len(text)))
            read = [text[cut.piece.begin : cut.piece.begin + cut.piece.size] for cut in found]
            assert b"".join(read) == text[2:]
            assert all(piece.endswith(b"\n") for piece in read[:-1] if piece)
            assert [cut.before for cut in found] == [b"".join(read[:n]).count(b"\n") for n in range(len(read))]

    def test_a_file_that_becomes_shorter_is_said(self, tmp_path: Path) -> None:
        path = tmp_path / "calls.csv"
        path.write_bytes(b"x" * 1000)
        piece = Piece(path, 100, 950)
        with pytest.raises(BadRequest, match="became shorter"), opened(piece) as file:
            assert len(file.read()) == 900
        with (
            pytest.raises(BadRequest, match="became shorter"),
            descriptor(piece) as number,
            open(number, "rb", closefd=False) as pipe,
        ):
            assert len(pipe.read()) == 900

    def test_a_process_with_many_open_files_reads_one_more(self, tmp_path: Path) -> None:
        path = tmp_path / "calls.csv"
        path.write_bytes(b"x" * 100_000)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
        try:
            with descriptor(Piece.whole(path)) as number, open(number, "rb", closefd=False) as pipe:
                assert number > 1024 and len(pipe.read()) == 100_000
        finally:
            for one in held:
                os.close(one)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
