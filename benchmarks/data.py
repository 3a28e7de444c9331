"""A number of calls and days goes in; the files, the loaded database and the peers' copy made of them come out, once.

Everything is kept in one folder for as long as a run lasts, or for the next run too when it is told a folder.
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from msgspec import Struct

from benchmarks import duck
from engine.ingest.pipeline import Asked
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.template import quoted
from engine.traffic import Traffic, write
from engine.warehouse.gateway import Warehouse
from web import sample as lists

SQL = Path(__file__).parent / "sql"
ROW_GROUPS = 16
"""Of a file that are loaded at once: some four million records."""
LAST = date(2026, 10, 31)
"""The day before which the sample's calls lie: a month is October's first thirty days, and nobody's future."""


class Run(Struct, frozen=True):
    """What one run of the benchmarks is asked to do."""

    data: "Data"
    sizes: tuple[int, ...]
    """Every number of calls asked for, the largest last, which is that of `data`."""
    runs: int
    scratch: Path
    """A folder for what no other part needs."""
    seconds: float = 20
    """How long posting goes on, and reading by many."""
    lists: tuple[str, ...] = ()


class Data:
    """The sample of `calls` calls in `days` days: what is asked for is made when it is not there yet."""

    def __init__(self, folder: Path, calls: int, days: int) -> None:
        self.calls, self.days = calls, days
        self._all = folder
        self._folder = folder / f"{calls}-{days}"
        self._folder.mkdir(parents=True, exist_ok=True)

    def of(self, calls: int, days: int) -> "Data":
        """Return another size of the same."""
        return Data(self._all, calls, days)

    def part(self, calls: int) -> "Data":
        """Return a sample of no more than so many calls, with as many a day as this one."""
        if calls >= self.calls:
            return self
        return self.of(calls, max(1, round(self.days * calls / self.calls)))

    @property
    def first(self) -> date:
        """The day on which its calls begin."""
        return LAST - timedelta(days=self.days)

    @property
    def window(self) -> dict[str, str]:
        """The whole of it as a question's `from` and `to`."""
        return {"from": self.first.isoformat(), "to": LAST.isoformat()}

    @property
    def instants(self) -> dict[str, datetime]:
        """The same for the peers: naive, in UTC."""
        return {"start": datetime.combine(self.first, time()), "end": datetime.combine(LAST, time())}

    def csv(self) -> Path:
        """Return the records as CSV."""
        return self._once("calls.csv", self._generate)

    def parquet(self) -> Path:
        """Return the records as Parquet: as they are told, nothing derived."""
        return self._once("calls.parquet", self._generate)

    def database(self) -> Path:
        """Return the directory of an embedded database with the records, loaded with the sample's lists."""
        return self._once("database", self._load)

    def standing(self) -> Path:
        """Return a Parquet file of the calls that stand, with what the ledger knows of each, as DuckDB writes it."""
        return self._once("standing.parquet", self._export)

    def site(self) -> Site:
        """Open the database; only one of a process may be open at a time."""
        return Site(Settings(database=f"chdb://{self.database()}"))

    def drop(self) -> None:
        """Delete what was made of this size."""
        shutil.rmtree(self._folder)

    def _once(self, name: str, make: Callable[[Path], Any]) -> Path:
        made = self._folder / name
        if not made.exists():
            partial = made.with_name(f"partial-{name}")
            shutil.rmtree(partial, ignore_errors=True)
            make(partial)
            partial.rename(made)
        return made

    def _generate(self, out: Path) -> None:
        with Warehouse("chdb://memory") as warehouse:
            # One currency: no peer knows exchange rates.
            write(Traffic(self.calls, self.days, 1, self.first, euro=False), warehouse, out)

    def _load(self, directory: Path) -> None:
        # From Parquet, which is a tenth of the text, some at a time: a text of everything never lies on the disk.
        records = self.parquet()
        with Site(Settings(database=f"chdb://{directory}")) as site:
            lists.load(site, self._folder)
            for part in _parts(records, directory.with_name("part.parquet")):
                site.ingest(part, "calls.parquet", Asked())

    def _export(self, out: Path) -> None:
        told = out.with_name("told.parquet")
        told.unlink(missing_ok=True)
        with self.site() as site:
            into = f"INSERT INTO FUNCTION file({quoted(str(told))}, 'Parquet')\n"
            site.warehouse.command(Statement(into + (SQL / "standing.sql").read_text("utf-8")))
        duck.rewrite(told, out)
        told.unlink()


def _parts(records: Path, part: Path) -> Iterator[Path]:
    """Yield files of some calls each, one after the other at the same place."""
    file = pq.ParquetFile(records)
    for first in range(0, file.num_row_groups, ROW_GROUPS):
        with pq.ParquetWriter(part, file.schema_arrow, compression="lz4") as writer:
            for group in range(first, min(first + ROW_GROUPS, file.num_row_groups)):
                writer.write_table(file.read_row_group(group))
        yield part
    part.unlink()
