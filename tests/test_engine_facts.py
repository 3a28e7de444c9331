"""What we rely on the engine to do, or know it to do wrong: one test for each fact, on both kinds of database.

A newer engine that behaves otherwise fails here first, by the fact's name. Facts about texts, values and broken
streams are in test_gateway.py, about lost connections in test_written_once.py, about years beyond the calendar in
tests/bad.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.catalog.load import catalog
from engine.errors import TollhouseError, TooLarge
from engine.site import Site
from engine.statement import Statement
from engine.template import ROOT
from engine.traffic import Traffic, write
from engine.warehouse import layout
from engine.warehouse.failures import EngineFailure
from engine.warehouse.gateway import PINNED, Warehouse
from tests.clickhouse_process import ClickHouseProcess
from tests.loading import assert_books_agree, load

pytestmark = pytest.mark.engine

LEDGER = "CREATE OR REPLACE TABLE fact (day Date, n Int64) ENGINE = MergeTree PARTITION BY day ORDER BY n"
SUMS = "CREATE OR REPLACE TABLE fact_sums (n Int64, rows UInt64) ENGINE = MergeTree ORDER BY n"
VIEW = "CREATE MATERIALIZED VIEW fact_feed TO fact_sums AS SELECT {} AS n, count() AS rows FROM fact GROUP BY n"
ODD_ZONES = (
    "Africa/Cairo", "America/Havana", "America/Santiago", "America/St_Johns", "America/Vancouver", "Asia/Beirut",
    "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Atlantic/Azores", "Australia/Adelaide", "Australia/Lord_Howe",
    "America/New_York", "Europe/London", "Pacific/Apia", "Pacific/Chatham", "Pacific/Easter", "UTC",
)  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(site: Site) -> Warehouse:
    return site.warehouse


def run(warehouse: Warehouse, sql: str, **parameters: Any) -> None:
    warehouse.command(Statement(sql, parameters))


def rows(warehouse: Warehouse, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in warehouse.query(Statement(sql, parameters)).rows]


def value(warehouse: Warehouse, sql: str, **parameters: Any) -> Any:
    return warehouse.value(Statement(sql, parameters))


@pytest.fixture
def fed(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A ledger of days with a view that counts; `fact_feed` fails on rows above a million."""
    for sql in (LEDGER, SUMS, VIEW.format("n + throwIf(n > 1000000, 'too large')")):
        run(warehouse, sql)
    yield warehouse
    run(warehouse, "DROP TABLE fact_feed")


class TestInserts:
    def test_two_inserts_of_the_same_rows_both_stay_in_ledger_and_rollup(self, fed: Warehouse) -> None:
        # Since 26.2 the engine's default drops the second one without a word.
        for _ in range(2):
            run(fed, "INSERT INTO fact SELECT '2026-10-01', number FROM numbers(10)")
        assert value(fed, "SELECT count() FROM fact") == 20
        assert value(fed, "SELECT sum(rows) FROM fact_sums") == 20

    def test_a_table_that_remembers_inserts_still_keeps_both(self, fed: Warehouse) -> None:
        run(fed, "ALTER TABLE fact MODIFY SETTING non_replicated_deduplication_window = 100")
        for _ in range(2):
            run(fed, "INSERT INTO fact SELECT '2026-10-01', 1")
        assert value(fed, "SELECT count() FROM fact") == 2

    def test_a_view_that_fails_leaves_the_ledgers_rows_behind(self, fed: Warehouse) -> None:
        # Not a transaction: this is why an open commit is recovered from what is spooled, never just repeated.
        with pytest.raises(EngineFailure, match="too large"):
            run(fed, "INSERT INTO fact SELECT '2026-10-01', arrayJoin([1, 1000001])")
        assert value(fed, "SELECT sum(rows) FROM fact_sums") == 0
        assert value(fed, "SELECT count() FROM fact") == 2

    def test_one_insert_into_more_than_a_hundred_partitions_is_taken_whole(self, fed: Warehouse) -> None:
        run(fed, "INSERT INTO fact SELECT toDate('2026-01-01') + number, number FROM numbers(250)")
        assert value(fed, "SELECT uniqExact(day), count() FROM fact") == 250
        assert value(fed, "SELECT sum(rows) FROM fact_sums") == 250

    def test_an_insert_is_readable_when_it_is_acknowledged(self, fed: Warehouse) -> None:
        for number in range(20):
            run(fed, "INSERT INTO fact VALUES ('2026-10-01', {n:Int64})", n=number)
            assert value(fed, "SELECT max(n) FROM fact") == number
            assert value(fed, "SELECT max(n) FROM fact_sums") == number

    def test_what_is_acknowledged_is_on_disk_and_not_only_with_the_operating_system(self, warehouse: Warehouse) -> None:
        # Scratch is made again, and whoever writes says so every few seconds. The rest would be lost with the power.
        unsafe = {"told", "list_lines", "writers"}
        found = rows(
            warehouse,
            "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() "
            "AND engine LIKE '%MergeTree' AND NOT startsWith(name, 'fact_') AND name != 'fact'",
        )
        assert {"cdr", "staging", "decisions", "commit_log", "batch_log", "rejects", "breakout_day_v1_utc"} <= {
            name for name, _ in found
        }
        for name, definition in found:
            safe = "fsync_after_insert = 1" in definition and "fsync_part_directory = 1" in definition
            assert safe != (name in unsafe), name


class TestTime:
    def test_years_beyond_the_calendar_wrap_so_such_a_start_is_never_posted(self, warehouse: Warehouse) -> None:
        # tests/bad/year_2110.csv and year_2200.csv show that it is a reject.
        hour = "SELECT toString(toStartOfHour(toDateTime64('2110-01-01 10:00:00', 3, 'UTC')))"
        assert not value(warehouse, hour).startswith("2110")
        assert not str(value(warehouse, "SELECT toString(toDate(toDateTime64('2200-01-01', 3, 'UTC')))")).startswith(
            "22"
        )

    def test_a_day_tile_is_the_day_in_every_zone(self, warehouse: Warehouse) -> None:
        # The tile a view cuts, for every quarter of an hour of three years: the same date, and the date's first
        # quarter. Some zones every run, by chance, and those with odd rules always.
        known = [zone for (zone,) in rows(warehouse, "SELECT time_zone FROM system.time_zones ORDER BY 1")]
        assert len(known) > 500
        wrong = (
            "WITH toDateTime('2026-01-01 00:00:00', 'UTC') + number * 900 AS moment, "
            "toDateTime(toStartOfDay(toDateTime64(moment, 3, 'UTC'), {zone:String}), 'UTC') AS tile "
            "SELECT count() FROM numbers(3 * 366 * 96) WHERE tile > moment "
            "OR toDate(tile, {zone:String}) != toDate(moment, {zone:String}) "
            "OR toDate(tile - 1, {zone:String}) >= toDate(moment, {zone:String})"
        )
        asked = {*ODD_ZONES, *random.sample(known, 25)} & set(known)
        assert len(asked) > 25
        assert {zone: count for zone in asked if (count := value(warehouse, wrong, zone=zone))} == {}


class TestSums:
    def test_a_sum_of_64_bits_wraps_without_a_word(self, warehouse: Warehouse) -> None:
        wrapped = "SELECT sum(n) FROM (SELECT toInt64(9223372036854775807) AS n FROM numbers(2))"
        assert value(warehouse, wrapped) == -2

    @pytest.mark.parametrize("kind", sorted({part.type for part in catalog().parts.values() if part.fold == "sum"}))
    def test_what_a_rollup_sums_survives_its_merges(self, warehouse: Warehouse, kind: str) -> None:
        # A million times the most that one record may say, four times over: no carrier gets there.
        most = Decimal("9999999999.99999999") if kind.startswith("Decimal") else 4_000_000_000
        run(
            warehouse,
            f"CREATE OR REPLACE TABLE merged (k UInt8, s SimpleAggregateFunction(sum, {kind})) "
            "ENGINE = AggregatingMergeTree ORDER BY k",
        )
        for _ in range(4):
            run(warehouse, f"INSERT INTO merged SELECT 1, CAST({{most:String}}, '{kind}') * 1000000", most=str(most))
        run(warehouse, "OPTIMIZE TABLE merged FINAL")
        assert value(warehouse, "SELECT count() FROM merged") == 1
        assert value(warehouse, "SELECT s FROM merged") == most * 4_000_000
        assert (
            value(warehouse, "SELECT sum(s) FROM (SELECT s FROM merged UNION ALL SELECT s FROM merged)")
            == most * 8_000_000
        )

    def test_a_histogram_survives_its_merges_and_what_is_taken_out_leaves_nothing(self, warehouse: Warehouse) -> None:
        run(
            warehouse,
            "CREATE OR REPLACE TABLE merged (k UInt8, s SimpleAggregateFunction(sumMap, Map(UInt16, Int64))) "
            "ENGINE = AggregatingMergeTree ORDER BY k",
        )
        for told in ("1, 2, 3, 4000000000000", "3, 1, 65535, 5", "1, -2", ""):
            run(warehouse, f"INSERT INTO merged SELECT 1, CAST(map({told}), 'Map(UInt16, Int64)')")
        asked = "SELECT mapFilter((_, n) -> n != 0, sumMap(s)) FROM merged"
        assert value(warehouse, asked) == {3: 4000000000001, 65535: 5}
        run(warehouse, "OPTIMIZE TABLE merged FINAL")
        assert value(warehouse, "SELECT count() FROM merged") == 1
        assert value(warehouse, asked) == {3: 4000000000001, 65535: 5}

    def test_money_is_summed_in_38_digits_by_itself(self, warehouse: Warehouse) -> None:
        charges = "SELECT toDecimal64('9999999999.99999999', 8) AS n FROM numbers(1000)"
        sql = f"SELECT toTypeName(sum(n)), sum(n) FROM ({charges})"
        assert rows(warehouse, sql) == [("Decimal(38, 8)", Decimal("9999999999999.99999000"))]

    def test_a_group_whose_sums_are_zero_stays_a_row_through_merges(self, warehouse: Warehouse) -> None:
        # SummingMergeTree would drop it, and mix dimensions that are not in its key.
        run(
            warehouse,
            "CREATE OR REPLACE TABLE merged (k String, s SimpleAggregateFunction(sum, Int64)) "
            "ENGINE = AggregatingMergeTree ORDER BY k",
        )
        for sign in (1, -1):
            run(warehouse, "INSERT INTO merged SELECT arrayJoin(['a', 'b']), {sign:Int64}", sign=sign)
        run(warehouse, "INSERT INTO merged SELECT 'b', 5")
        run(warehouse, "OPTIMIZE TABLE merged FINAL")
        assert rows(warehouse, "SELECT k, s FROM merged ORDER BY k") == [("a", 0), ("b", 5)]

    def test_every_key_of_a_rollup_is_in_its_sorting_key(self, site: Site) -> None:
        # What is not would be merged away.
        for rollup, _, table in layout.tables_of(site.catalog, site.settings.zones):
            sql = "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
            assert value(site.warehouse, sql, table=table).split(", ") == ["tile", *rollup.keys]

    def test_merging_everything_changes_no_answer(self, site: Site, tmp_path: Path) -> None:
        path = tmp_path / "calls.csv"
        write(Traffic(3_000, 5, 3), site.warehouse, path, None)
        load(site, path, "facts")
        asked = {}
        for rollup, _, table in layout.tables_of(site.catalog, ("UTC",)):
            sums = ", ".join(f"{part.fold}({part.name})" for part in layout.parts_of(site.catalog, rollup))
            keys = ", ".join(("tile", *rollup.keys))
            asked[table] = f"SELECT {keys}, {sums} FROM {table} GROUP BY {keys} ORDER BY {keys}"
        before = {table: rows(site.warehouse, sql) for table, sql in asked.items()}
        for name in (*asked, "cdr"):
            run(site.warehouse, f"OPTIMIZE TABLE {name} FINAL")
        assert {table: rows(site.warehouse, sql) for table, sql in asked.items()} == before
        assert_books_agree(site)


class TestLimits:
    @pytest.mark.parametrize(
        ("sql", "limit"),
        [
            ("SELECT sum(number) FROM numbers_mt(100000000000)", "max_execution_time = 0.2"),
            ("SELECT sum(number) FROM numbers(1000000)", "max_rows_to_read = 1000"),
            ("SELECT sum(number) FROM numbers(1000000)", "max_bytes_to_read = 1000"),
            ("SELECT number FROM numbers(1000000)", "max_result_rows = 1000"),
            ("SELECT number FROM numbers(1000000)", "max_result_bytes = 1000"),
            (
                "SELECT count() FROM (SELECT number FROM numbers(1000000) GROUP BY number)",
                "max_rows_to_group_by = 1000",
            ),
            ("SELECT number FROM numbers(1000000) ORDER BY -number LIMIT 900000", "max_rows_to_sort = 1000"),
            (
                "SELECT count() FROM numbers(9) WHERE number IN (SELECT number FROM numbers(100000))",
                "max_rows_in_set = 99",
            ),
            (
                "SELECT count() FROM numbers(9) AS a JOIN (SELECT number FROM numbers(100000)) AS b USING (number)",
                "max_rows_in_join = 1000",
            ),
            ("SELECT count() FROM (SELECT DISTINCT number FROM numbers(1000000))", "max_memory_usage = 1000000"),
        ],
    )
    def test_a_limit_that_is_reached_is_an_error_never_a_shorter_answer(
        self, warehouse: Warehouse, sql: str, limit: str
    ) -> None:
        with pytest.raises(TollhouseError) as failure:
            rows(warehouse, f"{sql} SETTINGS {limit}")
        assert isinstance(failure.value, TooLarge | EngineFailure)


class TestNames:
    def test_in_a_sum_a_column_wins_over_an_alias_of_its_name(self, warehouse: Warehouse) -> None:
        # With the engine's default the second sum is a sum of a sum: an error here, in other shapes a wrong figure.
        sql = "SELECT sum(n) AS n, sum(n) + 1 AS more FROM (SELECT toInt64(number) AS n FROM numbers(4)) WHERE n > 1"
        assert rows(warehouse, sql) == [(5, 6)]
        with pytest.raises(EngineFailure, match=r"^Code: 184\."):
            rows(warehouse, sql + " SETTINGS prefer_column_name_to_alias = 0")

    def test_a_missing_partner_of_a_join_is_a_default_not_a_null(self, warehouse: Warehouse) -> None:
        sql = "SELECT b.n FROM (SELECT 1 AS k) AS a LEFT JOIN (SELECT 2 AS k, 7 AS n) AS b USING (k)"
        assert rows(warehouse, sql) == [(0,)]


class TestSettings:
    @pytest.mark.parametrize("where", ["embedded", "http"])
    def test_a_setting_the_engine_does_not_hold_is_refused_by_its_name(
        self, where: str, request: pytest.FixtureRequest
    ) -> None:
        # The engine takes 01 for a number and keeps the number: not what was asked for.
        script = (
            "import sys; from engine.warehouse import gateway; gateway.PINNED['max_insert_threads'] = '01'\n"
            "try: gateway.Warehouse(sys.argv[1])\n"
            "except gateway.Unavailable as failure: print(failure.code, failure)"
        )
        dsn = "chdb://memory" if where == "embedded" else request.getfixturevalue("clickhouse").dsn
        command = [sys.executable, "-c", script, dsn]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert said.startswith("engine_settings ")
        assert "relies on: max_insert_threads='1' (allow this user to change settings" in said

    @pytest.mark.parametrize("name", sorted(PINNED))
    def test_every_pinned_setting_is_known_to_the_engine(self, warehouse: Warehouse, name: str) -> None:
        found = rows(warehouse, "SELECT value, readonly FROM system.settings WHERE name = {name:String}", name=name)
        assert found == [(PINNED[name], 0)]

    def test_after_a_server_restarts_its_settings_and_rows_are_the_same(self, tmp_path: Path) -> None:
        asked = "SELECT name, value FROM system.settings WHERE name IN {names:Array(String)}"
        with ClickHouseProcess(tmp_path) as server, Warehouse(server.dsn) as warehouse:
            run(warehouse, "CREATE TABLE kept ENGINE = MergeTree ORDER BY n AS SELECT 1 AS n")
            server.kill()
            server.start()
            assert dict(rows(warehouse, asked, names=list(PINNED))) == PINNED
            run(warehouse, "INSERT INTO kept SELECT 1")
            run(warehouse, "INSERT INTO kept SELECT 1")
            assert value(warehouse, "SELECT count() FROM kept") == 3
