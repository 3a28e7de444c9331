"""A random generator and a site's values go in, questions a carrier might ask come out, odd ones among them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

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


def random_question(dice: random.Random, start: datetime, days: int, values: dict[str, list[Any]]) -> dict[str, Any]:
    """Return one question over a window in or around the loaded days; `values` are values each dimension has."""
    rows = dice.sample(DIMENSIONS[:15] if dice.random() < 0.7 else DIMENSIONS, dice.randint(0, 3))
    measures = dice.sample(MEASURES, dice.randint(1, 8))
    filters = dice.choice((0, 0, 0, 1, 1, 2))
    if dice.random() < 0.3:
        dimensions, sums = dice.choice(THEMES)
        rows, measures = dice.sample(dimensions, dice.randint(0, 3)), dice.sample(sums, dice.randint(1, 5))
        filters = dice.choice((0, 0, 1))
    question: dict[str, Any] = {
        **_window(dice, start, days),
        "timezone": dice.choice(ZONES),
        "rows": rows,
        "measures": measures,
        "where": [_filter(dice, values) for _ in range(filters)],
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
    if dice.random() < 0.1:
        question |= _shape(dice, rows, measures)
    if dice.random() < 0.2:
        question["sort"] = [{"field": dice.choice(rows + measures), "descending": dice.random() < 0.5}]
        question["limit"] = dice.randint(1, 50)
        question["offset"] = dice.choice((0, 0, 3))
    return question


def _shape(dice: random.Random, rows: list[str], measures: list[str]) -> dict[str, Any]:
    """Values across, a period to compare with, empty buckets, a top: one of them or all."""
    shape: dict[str, Any] = {"compare": dice.choice((None, "previous", "week", "year"))}
    columns = [name for name in dice.sample(DIMENSIONS, dice.randint(0, 2)) if name not in rows]
    if dice.random() < 0.5:
        shape["columns"] = columns
    shown = [*rows, *shape.get("columns", [])]
    if shown and dice.random() < 0.4:
        shape["top"] = [{"field": dice.choice(shown), "count": dice.randint(1, 8), "by": dice.choice(measures)}]
    if len(rows) < 3 and not {"hour", "minute15"} & set(rows):  # those times customers are half a million rows
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
    field = dice.choice(sorted(values))
    op = dice.choice(("in", "in", "not_in", "eq", "ne", "is_null", "not_null"))
    if op in ("is_null", "not_null"):
        return {"field": field, "op": op}
    some = dice.sample(values[field], min(len(values[field]), dice.randint(1, 4)))
    if isinstance(some[0], str) and dice.random() < 0.2:
        return {"field": field, "op": dice.choice(("contains", "starts_with")), "values": [some[0][:3]]}
    return {"field": field, "op": op, "values": some}
