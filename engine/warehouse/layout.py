"""The catalog and the site's zones go in, a database that holds every table and rollup comes out.

Tables are made where they lack; nothing that exists is altered. The facts table says which version laid the
database out, with which time-zone rules its tiles were cut, and which rollups cover the whole ledger.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from engine.catalog.model import Catalog, Part, Rollup
from engine.errors import Conflict
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse

LAYOUT = "8"
"""Version of the tables under sql/tables; a database laid out by a newer one is refused."""

Uncovered = Literal["not_covered", "zone_rules_changed"]
"""Why a rollup table is not trusted: it is new, or its days were cut by other time-zone rules."""


def tables_of(catalog: Catalog, zones: tuple[str, ...]) -> list[tuple[Rollup, str, str]]:
    """Return every rollup table as (rollup, zone, table name)."""
    return [(rollup, zone, rollup.table(zone)) for rollup in catalog.rollups.values() for zone in rollup.zones(zones)]


def make(
    warehouse: Warehouse,
    catalog: Catalog,
    zones: tuple[str, ...],
    columns: list[dict[str, str]],
    frozen: Mapping[str, str] | None = None,
) -> dict[str, Uncovered]:
    """Make what lacks. Return the names of rollup tables that cannot be trusted yet, and why.

    `frozen` are settings that must be what they were at the first load; raises `Conflict` when one is not.
    """
    for name in ("001_ledger", "002_closes", "003_lists", "004_saved", "005_numbers"):
        _run(warehouse, render(f"tables/{name}.sql.j2", columns=columns))
    facts = read_facts(warehouse)
    if facts.get("layout", LAYOUT) != LAYOUT:
        raise Conflict(
            "newer_database",
            f"the database was laid out by another version of Tollhouse ({facts['layout']}, this is {LAYOUT})",
            hint="use the version that wrote it, or a newer one",
        )
    for name, value in (frozen or {}).items():
        _check_frozen(name, value, facts.get(f"frozen:{name}", value))
    _check_engine(warehouse, facts.get("engine"))
    _check_versions(warehouse, catalog)
    rules = str(warehouse.value(Statement("SELECT value FROM system.build_options WHERE name = 'TZDATA_VERSION'")))
    if "layout" not in facts:
        write_fact(warehouse, "layout", LAYOUT)
    catalog = _frozen(warehouse, catalog, facts)
    types = {column["name"]: column["type"] for column in columns}
    uncovered: dict[str, Uncovered] = {}
    empty = int(warehouse.value(Statement("SELECT count() FROM cdr"))) == 0
    for rollup, zone, table in tables_of(catalog, zones):
        _check_zone(warehouse, zone)
        _run(
            warehouse,
            render(
                "tables/rollup.sql.j2",
                rollup=rollup,
                table=table,
                zone=zone,
                keys=[{"column": key, "type": types[key]} for key in rollup.keys],
                parts=parts_of(catalog, rollup),
            ),
        )
        # A zone's midnights can move when its rules change; tiles cut by other rules are not trusted.
        covered = facts.get(f"covered:{table}")
        if covered is None and empty:
            write_fact(warehouse, f"covered:{table}", rules)
        elif covered is None:
            uncovered[table] = "not_covered"
        elif zone != "UTC" and covered != rules:
            uncovered[table] = "zone_rules_changed"
    return uncovered


def kept(warehouse: Warehouse, catalog: Catalog) -> Catalog:
    """Return the catalog under the settings that the rollups of this database are kept with."""
    return _frozen(warehouse, catalog, read_facts(warehouse))


def _frozen(warehouse: Warehouse, catalog: Catalog, facts: dict[str, str]) -> Catalog:
    """A setting that a part depends on is written down when the database first hears of it, and stays."""
    frozen: dict[str, int] = {}
    for part in catalog.parts.values():
        for setting in part.settings:
            if f"setting:{setting}" not in facts and setting not in frozen:
                write_fact(warehouse, f"setting:{setting}", str(part.site[setting]))
            frozen[setting] = int(facts.get(f"setting:{setting}", part.site[setting]))
    return catalog.at(frozen)


def answerable(rollup: Rollup, kept_with: Catalog, asked: Catalog) -> Rollup:
    """Return a rollup with those of its parts that mean the same under the settings asked for."""
    same = tuple(name for name in rollup.parts if kept_with.parts[name].sql == asked.parts[name].sql)
    return msgspec.structs.replace(rollup, parts=same)


def _check_engine(warehouse: Warehouse, wrote: str | None) -> None:
    """Refuse an engine that is older than one which has written here: it may not read what that one wrote."""
    here = str(warehouse.value(Statement("SELECT version()")))
    if wrote is not None and _numbers(wrote) > _numbers(here):
        raise Conflict(
            "older_engine",
            f"the database was written by engine {wrote}, this one is {here}",
            hint="use that version of the engine, or a newer one",
        )
    if wrote is None or _numbers(wrote) < _numbers(here):
        write_fact(warehouse, "engine", here)


def _check_frozen(name: str, value: str, frozen: str) -> None:
    if value != frozen:
        raise Conflict(
            "frozen_setting",
            f"{name} is {value!r}, but it was {frozen!r} when calls were first loaded, and stays so",
            hint=f"set {name} = {frozen!r} again; a question may name any zone, a new database any setting",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:4])


def _check_versions(warehouse: Warehouse, catalog: Catalog) -> None:
    for table, rollup, version, _ in _versions(warehouse, catalog):
        if version > rollup.version:
            raise Conflict(
                "newer_database",
                f"{table} is of a newer version of Tollhouse, which here knows version {rollup.version} of it",
                hint="use the version that wrote it, or a newer one",
            )


def _versions(warehouse: Warehouse, catalog: Catalog) -> list[tuple[str, Rollup, int, str]]:
    """Return every table that is some version of a rollup of the catalog, as (table, rollup, version, zone part)."""
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'AggregatingMergeTree'"
    names = [str(name) for (name,) in warehouse.query(Statement(sql)).rows]
    return [
        (name, rollup, int(match[1]), match[2])
        for rollup in catalog.rollups.values()
        for name in names
        if (match := re.fullmatch(rf"{rollup.name}_v(\d+)_(\w+)", name))
    ]


def drop_superseded(warehouse: Warehouse, catalog: Catalog) -> list[str]:
    """Drop older versions of rollups whose present version covers what they did; return their names."""
    facts = read_facts(warehouse)
    # One that begins at the horizon does not cover what its predecessor summed before it.
    covering = {name[8:] for name in facts if name.startswith("covered:") and f"begins:{name[8:]}" not in facts}
    dropped = []
    for table, rollup, version, zone in _versions(warehouse, catalog):
        if version < rollup.version and f"{rollup.name}_v{rollup.version}_{zone}" in covering:
            for name in (f"{table}_feed", table):
                warehouse.command(Statement(f"DROP TABLE IF EXISTS {name}"))
            dropped.append(table)
    return dropped


def parts_of(catalog: Catalog, rollup: Rollup) -> list[Part]:
    """Return the parts a rollup keeps."""
    return [catalog.parts[name] for name in rollup.parts]


def read_facts(warehouse: Warehouse) -> dict[str, str]:
    """Return what the database says of itself, the newest word on each name."""
    rows = warehouse.query(Statement("SELECT name, argMax(value, time) FROM facts GROUP BY name")).rows
    return {str(name): str(value) for name, value in rows}


def freeze(warehouse: Warehouse, name: str, value: str) -> None:
    """Write down what a setting is at the first load; it must stay so."""
    if f"frozen:{name}" not in read_facts(warehouse):
        write_fact(warehouse, f"frozen:{name}", value)


def beginnings(warehouse: Warehouse) -> dict[str, int]:
    """Return the rollup tables that begin later than the ledger did, and when, in seconds."""
    return {
        name.removeprefix("begins:"): int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
        for name, day in read_facts(warehouse).items()
        if name.startswith("begins:")
    }


def horizon(warehouse: Warehouse) -> str | None:
    """Return the day (UTC) before which the ledger keeps nothing, None while it keeps everything."""
    return read_facts(warehouse).get("horizon")


def write_fact(warehouse: Warehouse, name: str, value: str) -> None:
    """Add one word on `name`."""
    warehouse.command(
        Statement(
            "INSERT INTO facts (name, value) SELECT {name:String}, {value:String}",
            {"name": name, "value": value},
        )
    )


def _check_zone(warehouse: Warehouse, zone: str) -> None:
    known = warehouse.value(
        Statement("SELECT count() FROM system.time_zones WHERE time_zone = {zone:String}", {"zone": zone})
    )
    if not known:
        raise Conflict("unknown_zone", f"there is no time zone {zone!r}", hint="use an IANA name like Europe/Paris")


def _run(warehouse: Warehouse, text: str) -> None:
    for statement in text.split(";\n"):
        lines = [line for line in statement.strip().rstrip(";").splitlines() if not line.startswith("--")]
        if lines:
            warehouse.command(Statement("\n".join(lines)))
