"""A tollhouse.toml, TOLLHOUSE_… variables and command-line options go in, the site's settings come out."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from engine.errors import BadRequest, nearest


class SpoolFolder(Struct, frozen=True, forbid_unknown_fields=True):
    """A folder that switches drop files into, and how those are to be read."""

    path: str
    dialect: str | None = None
    source: str | None = None
    zone: str | None = None


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What a site decides for itself. Every name is a key of tollhouse.toml and TOLLHOUSE_<NAME>."""

    database: str = "chdb:///data"
    """Where the calls are kept: chdb:///path, chdb://memory or http(s)://user:password@host:port/database."""
    timezone: str = "UTC"
    """The zone of a question that names none, and of the days of exchange rates and lists; frozen at the first load."""
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "USD"
    """The money of a question that names none, and of a record without a currency."""
    home_country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] = "US"
    """Whose national number forms the switches write."""
    tech_prefixes: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    """Routing prefixes that switches leave in front of called numbers: they are taken away before a number is read."""
    jurisdiction_lrn: bool = True
    """Whether the called side of a jurisdiction is the LRN when the record has one."""
    indeterminate_as: Literal["indeterminate", "intrastate", "interstate"] = "indeterminate"
    """The jurisdiction of a call to a state from a caller that is withheld, malformed, toll-free or foreign."""
    territories: Literal["states", "foreign"] = "states"
    """What the US territories are when they are called: states of their own, or abroad."""
    rollup_zones: tuple[str, ...] = ()
    """Zones whose days are kept summed, besides UTC and `timezone`."""
    dialects_folder: str = ""
    """A folder of the site's own dialects, one TOML file each; see `tollhouse dialects`."""
    reports_folder: str = ""
    """A folder of saved questions, one TOML file each: what is in it is a report of that name."""
    count_zero_answers: bool = False
    """Whether a 200 without talk counts as connected."""
    short_call_seconds: Annotated[int, Meta(ge=0, le=3600)] = 6
    """The longest talk of a short call. Rollups keep the value a database was made with; under another one short calls
    are counted call by call, which is as exact and takes longer."""
    min_calls: Annotated[int, Meta(ge=0)] = 30
    """Under how many calls a ratio says little; `GET /catalog` tells it to whoever shows ratios."""
    charge_decimals: tuple[Annotated[int, Meta(ge=0, le=8)], ...] = (4, 6)
    """Decimals a charge may be rounded to; `verify` takes a charge for right when it is so under one of them."""
    charge_rounding: Literal["up", "half_up", "half_even", "down"] = "half_up"
    """How each call's charge is rounded, for `verify`; up and down are away from zero and towards it."""
    charge_convention: Literal["total", "after_minimum", "either"] = "either"
    """What is rounded up to the pulse, for `verify`: the duration, or what goes beyond the minimum."""
    chunk_records: Annotated[int, Meta(ge=1000, le=5_000_000)] = 500_000
    """Records per commit of a large file."""
    max_waiting_loads: Annotated[int, Meta(ge=1)] = 64
    """Loads that may wait for the writer at once; more are told to come again."""
    trusted_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Addresses that are administrator without a key, while there are no users."""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]", "::1")
    """Names under which a browser may reach the server; others are refused (against DNS rebinding)."""
    max_rows: Annotated[int, Meta(ge=1)] = 1_000_000
    """Most rows of an answer that is made as a whole: JSON, a table, a page."""
    max_export_rows: Annotated[int, Meta(ge=1)] = 100_000_000
    """Most rows of an answer that is written while it is read: CSV, NDJSON, Arrow, Parquet, XLSX."""
    max_seconds: Annotated[float, Meta(ge=0)] = 120
    """Seconds a statement of a question may take; 0 for any time."""
    max_export_seconds: Annotated[float, Meta(ge=0)] = 3600
    """The same for one that is written while it is read, however slowly it is taken."""
    max_rows_read: Annotated[int, Meta(ge=0)] = 0
    """Most rows of the database a statement of a question may read; 0 for any number."""
    max_questions: Annotated[int, Meta(ge=1)] = 64
    """Questions one caller may have under way at once; more are told to come again."""
    max_columns: Annotated[int, Meta(ge=1)] = 1000
    """Most columns that the values of `columns` may make in one answer."""
    max_upload_bytes: Annotated[int, Meta(ge=1)] = 1 << 30
    """Largest body of POST /cdrs."""
    max_unpacked_bytes: Annotated[int, Meta(ge=1)] = 16 << 30
    """The most that one packed file or archive may unpack to; more is refused (against archives made to fill disks)."""

    spool: tuple[SpoolFolder, ...] = ()
    """Folders that switches drop files into: tables `[[spool]]` with `path`, `dialect`, `source`, `zone`; here JSON."""
    spool_settle_seconds: Annotated[float, Meta(ge=0)] = 5
    """A file in a spool folder is whole when it has not changed for so long."""

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones rollups are cut in: UTC, the site's, and those asked for."""
        return tuple(dict.fromkeys(("UTC", self.timezone, *self.rollup_zones)))


_DEFAULT_DATABASE = "./data"


def load(config: Path | None = None, **options: Any) -> Settings:
    """Read settings: options win over the environment, the environment over the file, the file over defaults.

    Without `config`, tollhouse.toml in the current folder is read when it is there. Raises `BadRequest` that
    names the file or variable at fault.
    """
    values: dict[str, Any] = {"database": f"chdb://{Path(_DEFAULT_DATABASE).resolve()}"}
    said: dict[str, str] = {}
    path = config or Path("tollhouse.toml")
    if config is not None or path.is_file():
        values |= _from_file(path)
        said |= dict.fromkeys(values, str(path))
    from_environment = _from_environment()
    values |= from_environment
    said |= {name: f"TOLLHOUSE_{name.upper()}" for name in from_environment}
    values |= {name: value for name, value in options.items() if value is not None}
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as mistake:
        what, _, place = str(mistake).partition(" - at `$.")
        name = place.rstrip("`").partition("[")[0]
        raise BadRequest("bad_setting", f"{said.get(name, 'settings')}: {name}: {what}") from mistake


def _from_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as failure:
        raise BadRequest("bad_setting", f"cannot read {path}: {failure.strerror}") from failure
    except tomllib.TOMLDecodeError as mistake:
        raise BadRequest("bad_setting", f"{path}: {mistake}") from mistake
    for name in values:
        if name not in Settings.__struct_fields__:
            hint = nearest(name, list(Settings.__struct_fields__))
            raise BadRequest("bad_setting", f"{path}: there is no setting {name!r}", hint=hint)
    return values


def _from_environment() -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in Settings.__struct_fields__:
        text = os.environ.get(f"TOLLHOUSE_{name.upper()}")
        if text is not None:
            lists = isinstance(getattr(Settings(), name), tuple)
            values[name] = [item.strip() for item in text.split(",") if item.strip()] if lists else text
            if name == "spool":
                try:
                    values[name] = msgspec.json.decode(text)
                except msgspec.DecodeError as mistake:
                    raise BadRequest("bad_setting", f"TOLLHOUSE_SPOOL: not JSON: {mistake}") from mistake
    return values
