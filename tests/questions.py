"""A random generator and a site's values go in, questions a carrier might ask come out, odd ones among them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.catalog.load import catalog
from engine.query.question import OPERATORS

EVERY_DIMENSION, EVERY_MEASURE = tuple(catalog().dimensions), tuple(catalog().measures)
REPORTS = tuple(name for name, report in catalog().reports.items() if not report.records)
ZONES = (
    "UTC", "America/New_York", "Europe/Paris", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns",
    "Australia/Lord_Howe", "Pacific/Auckland",
)  # fmt: skip
DIMENSIONS = (
    "customer", "customer_destination", "provider", "provider_card", "provider_destination", "is_final",
    "customer_currency", "provider_currency", "customer_name", "provider_name", "day", "week", "month",
    "quarter", "day_of_week",
    "tech_prefix", "outcome", "country", "orig_country", "sip_code", "source", "hour", "minute15", "hour_of_day",
    "attempt", "release_side", "jurisdiction", "npanxx", "network",
)  # fmt: skip
MEASURES = (
    "attempts", "calls", "connected", "asr", "abr", "ner", "acd", "duration", "customer_duration",
    "provider_duration", "minutes", "customer_charge", "provider_charge", "profit", "profit_percent",
    "customer_rate", "margin_per_minute", "dtmf_calls", "dtmf_digits", "dtmf_percent", "sdp", "sdp_percent",
    "seer", "short_percent", "mos_avg", "cost_per_dtmf_call", "cost_per_digit", "jurisdiction_disagrees",
    "intrastate", "indeterminate_connected", "interlata_duration", "total_duration", "off_net_minutes",
    "pdd_avg", "pdd_known", "pdd_p50", "pdd_p95", "loss_calls", "unrated_customer_calls", "unrated_provider_calls",
)  # fmt: skip

FILTERED = (
    "customer", "customer_destination", "customer_name", "provider", "provider_card", "country", "outcome", "sip_code",
)  # fmt: skip
TEXTUAL = ("contains", "starts_with")
TIME = ("minute15", "hour", "hour_of_day", "day", "week", "month")
THEMES = (  # what each rollup beside the breakout's is for: dimensions and measures
    (
        ("provider", "provider_card", "provider_currency", "is_final", *TIME),
        ("attempts", "asr", "acd", "ner", "seer", "pdd_avg", "pdd_p50", "pdd_p95", "provider_charge", "dtmf_digits"),
    ),
    (
        ("customer", "tech_prefix", "jurisdiction", "jurisdiction_lata", "network", "did", "account", *TIME[3:]),
        ("attempts", "calls", "asr", "acd", "intrastate", "interlata_connected", "off_net_minutes", "total_duration"),
    ),
    (
        ("npanxx", "rate_center", "country", *TIME[3:]),
        ("calls", "customer_charge", "provider_charge", "profit", "customer_minutes", "minutes"),
    ),
)


def random_question(
    dice: random.Random, start: datetime, days: int, values: dict[str, list[Any]], number: int | None = None
) -> dict[str, Any]:
    """Return one question over a window in or around the loaded days; `values` are values each dimension has.

    With `number` one of eight asks a report, and half of them also speak of a dimension, a measure and an operator that
    are dealt in turn: so many questions in a row leave none out.
    """
    if number is not None and number % 8 == 7:
        return _report(dice, start, days, values, number // 8)
    rows = dice.sample(DIMENSIONS[:15] if dice.random() < 0.7 else DIMENSIONS, dice.randint(0, 3))
    measures = dice.sample(MEASURES, dice.randint(1, 8))
    filters = dice.choice((0, 0, 0, 1, 1, 2))
    if dice.random() < 0.3:
        dimensions, sums = dice.choice(THEMES)
        rows, measures = dice.sample(dimensions, dice.randint(0, 3)), dice.sample(sums, dice.randint(1, 5))
        filters = dice.choice((0, 0, 1))
    where = [_filter(dice, values) for _ in range(filters)]
    if number is not None and number % 2 == 0:
        rows, measures, where = _dealt(dice, values, number // 2, rows, measures, where)
    question: dict[str, Any] = {
        **_window(dice, start, days),
        "timezone": dice.choice(ZONES),
        "rows": rows,
        "measures": measures,
        "where": where,
        "calls": dice.choice(("attempts", "final")),
        "base": dice.choice(("attempts", "attempts", "seizures")),
        "totals": dice.random() < 0.3,
        "subtotals": dice.random() < 0.2,
        "parts": dice.random() < 0.2,
    }
    if dice.random() < 0.3:
        question["currency"] = dice.choice(("EUR", "EUR", "CHF"))
    if dice.random() < 0.2:
        question["where"].append({"field": dice.choice(measures), "op": dice.choice(("lt", "ge")), "values": [40]})
    if dice.random() < (0.1 if number is None else 0.15):
        question |= _shape(dice, rows, measures)
    if dice.random() < 0.2:
        question["sort"] = [{"field": dice.choice(rows + measures), "descending": dice.random() < 0.5}]
        question["limit"] = dice.randint(1, 50)
        question["offset"] = dice.choice((0, 0, 3))
    return question


def times(start: datetime, days: int) -> dict[str, list[Any]]:
    """Return values of the time dimensions, of the loaded days."""
    dates = [(start + timedelta(days=day)).date().isoformat() for day in range(days)]
    instants = [(start + timedelta(hours=hour)).isoformat() for hour in range(0, 24 * days, 7)]
    kinds: dict[str, list[Any]] = {"date": dates, "instant": instants, "integer": list(range(1, 8))}
    return {name: kinds[told.type] for name, told in catalog().dimensions.items() if told.bucket}


def _dealt(
    dice: random.Random,
    values: dict[str, list[Any]],
    number: int,
    rows: list[str],
    measures: list[str],
    where: list[Any],
) -> tuple[list[str], list[str], list[Any]]:
    """Rows, measures and filters with what is its turn: a dimension is shown once and filtered by once."""
    turn, place = divmod(number, len(EVERY_DIMENSION))
    name, op = EVERY_DIMENSION[place], OPERATORS[number % len(OPERATORS)]
    if turn % 2:
        where = [*where, _clause(dice, name, op, values)]
    elif name not in rows:
        rows = [*rows[:2], name]
    measure = EVERY_MEASURE[number % len(EVERY_MEASURE)]
    if number % 5 == 0 and op not in TEXTUAL:
        where = [*where, _clause(dice, measure, op, {measure: [0, 1, 2, 5, 20, 40, 100]})]
    return rows, list(dict.fromkeys([*measures, measure])), where


def _clause(dice: random.Random, field: str, op: str, values: dict[str, list[Any]]) -> dict[str, Any]:
    told = catalog().dimensions.get(field)
    known = values.get(field) or [{"integer": 1, "boolean": True}.get(told.type if told else "", "")]
    if op in ("is_null", "not_null"):
        return {"field": field, "op": op}
    if op in TEXTUAL:
        plain = told is not None and told.type == "string"
        return {"field": field, "op": op if plain else "in", "values": [dice.choice(known)[:3] if plain else known[0]]}
    if op in ("lt", "le", "gt", "ge"):
        return {"field": field, "op": op, "values": [dice.choice(known)]}
    count = 2 if op == "between" else min(len(known), dice.randint(1, 4))
    some = dice.choices(known, k=count)
    return {"field": field, "op": op, "values": sorted(some) if op == "between" else some}


def _report(
    dice: random.Random, start: datetime, days: int, values: dict[str, list[Any]], number: int
) -> dict[str, Any]:
    report = catalog().reports[REPORTS[number % len(REPORTS)]]
    asked: dict[str, Any] = {**_window(dice, start, days), "report": report.name, "timezone": dice.choice(ZONES)}
    turn = number // len(REPORTS)
    for name, parameter in report.parameters.items():
        asked[name] = list(parameter.values)[turn % len(parameter.values)]
    if report.since_close:
        asked["since"] = "batch:1"
    if dice.random() < 0.4:
        asked["where"] = [_filter(dice, values)]
    if dice.random() < 0.4:
        asked |= {"calls": dice.choice(("attempts", "final")), "totals": True, "parts": True}
    return asked


def _shape(dice: random.Random, rows: list[str], measures: list[str]) -> dict[str, Any]:
    """Values across, a period to compare with, empty buckets, a top: one of them or all."""
    shape: dict[str, Any] = {"compare": dice.choice((None, "previous", "week", "year"))}
    columns = [name for name in dice.sample(DIMENSIONS, dice.randint(0, 2)) if name not in rows]
    if dice.random() < 0.5:
        shape["columns"] = columns
    shown = [*rows, *shape.get("columns", [])]
    if shown and dice.random() < 0.4:
        shape["top"] = [{"field": dice.choice(shown), "count": dice.randint(1, 8), "by": dice.choice(measures)}]
    narrow = len(rows) < 3 and set(rows) <= set(DIMENSIONS)
    if narrow and not {"hour", "minute15"} & set(rows):  # those times customers are half a million rows
        shape["fill"] = dice.random() < 0.3
    return shape


def _window(dice: random.Random, start: datetime, days: int) -> dict[str, str]:
    first = dice.uniform(-1, days - 1)
    length = dice.choice((dice.uniform(0.001, 1), dice.uniform(1, 5), dice.uniform(5, days + 2)))
    begin, end = start + timedelta(days=first), start + timedelta(days=first + length)
    shape = dice.random()
    if shape < 0.5:  # whole days of the asked zone
        end = max(end, begin + timedelta(days=1))
        return {"from": begin.date().isoformat(), "to": end.date().isoformat()}
    if shape < 0.75:  # local times, seconds
        end = max(end, begin + timedelta(minutes=1))
        return {"from": begin.strftime("%Y-%m-%dT%H:%M:%S"), "to": end.strftime("%Y-%m-%dT%H:%M:%S")}
    moments = [moment.astimezone(UTC).isoformat(timespec="milliseconds") for moment in (begin, end)]
    return {"from": moments[0], "to": moments[1]}


def _filter(dice: random.Random, values: dict[str, list[Any]]) -> dict[str, Any]:
    field = dice.choice([name for name in sorted(values) if name in FILTERED])
    op = dice.choice(("in", "in", "not_in", "eq", "ne", "is_null", "not_null"))
    if op in ("is_null", "not_null"):
        return {"field": field, "op": op}
    some = dice.sample(values[field], min(len(values[field]), dice.randint(1, 4)))
    if isinstance(some[0], str) and dice.random() < 0.2:
        return {"field": field, "op": dice.choice(("contains", "starts_with")), "values": [some[0][:3]]}
    return {"field": field, "op": op, "values": some}
