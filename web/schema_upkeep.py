"""The calls that keep a site in order go in, their part of the OpenAPI document comes out."""

from typing import Any

from engine.ingest.check import Check
from engine.ingest.lists import ListReceipt
from engine.ingest.pipeline import Reenriched
from engine.reference.kinds import kinds
from engine.verify.report import Rebuild, Verification
from web.bodies import CONTENT
from web.operation import TEXT, as_json, call, parameter, ref
from web.progress import PROGRESS
from web.reference import DialectPage, ReenrichAsked
from web.upkeep import RebuildAsked, VerifyAsked


def upkeep() -> dict[str, Any]:
    """Return the calls that prove and repair."""
    about = (
        f"Days are days in UTC, `to` is exclusive. With `Accept: {PROGRESS}` lines of progress come first, each "
        '`{"progress": …}`, then one `{"result": …}` or `{"error": …}`.'
    )
    line = {PROGRESS: {"schema": TEXT}}
    return {
        "/api/v1/verify": {
            "post": call(
                "Prove the figures",
                "Compares every group of every rollup with the ledger and audits the calls of the window; `repair` "
                f"makes exact what differs. {about}",
                as_json(ref(Verification)) | line,
                body=as_json(ref(VerifyAsked)),
                needs_body=False,
                failures=("400", "403", "409"),
            )
        },
        "/api/v1/rebuild": {
            "post": call(
                "Make rollups anew",
                f"Makes every rollup tile that overlaps the window what the ledger says. {about}",
                as_json(ref(Rebuild)) | line,
                body=as_json(ref(RebuildAsked)),
                failures=("400", "403", "409"),
            )
        },
    }


def reference() -> dict[str, Any]:
    """Return the calls about reference data and formats."""
    kind = {
        "name": "kind",
        "in": "path",
        "required": True,
        "description": "Which list.",
        "schema": {"type": "string", "enum": list(kinds())},
    }
    origin = parameter("origin", "What people call the file.")
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        "/api/v1/lists/{kind}": {
            "post": call(
                "Load a list of reference data",
                "The body is the file: CSV in UTF-8 with a header, or a list as NANPA, the Canadian administrator or "
                "LERG6 write it; also zip and gzip. It replaces the list before it as a whole, for calls that are "
                "loaded from then on. When one row of it cannot be, nothing changes, and the message names the first "
                "wrong lines.",
                as_json(ref(ListReceipt)),
                parameters=[
                    kind,
                    parameter("valid_from", "A day: what was loaded before stays valid for calls of earlier days."),
                    origin,
                ],
                body={"*/*": binary},
                failures=("400", "403", "409", "413"),
            )
        },
        "/api/v1/reenrich": {
            "post": call(
                "Apply the lists to calls of before",
                "Calls that began in the window get the facts that reference data tells of them now. What a record "
                "says, its batch and its revision stay. Only what changes is posted, in commits between which others "
                "load. "
                f"`dry_run` only counts. With `Accept: {PROGRESS}` lines of progress come first.",
                as_json(ref(Reenriched)) | {PROGRESS: {"schema": TEXT}},
                body=as_json(ref(ReenrichAsked)),
                failures=("400", "403", "409", "422"),
            )
        },
        "/api/v1/dialects": {
            "get": call(
                "Formats",
                "Those that can be read, the site's own among them.",
                as_json(ref(DialectPage)),
                failures=("400", "403"),
            )
        },
        "/api/v1/dialects/check": {
            "post": call(
                "Try a dialect",
                "How a sample maps, column by column, with its first values and rejects. Nothing is loaded.",
                as_json(ref(Check)),
                parameters=[
                    parameter("dialect", "Which system wrote the sample; found out when it is unmistakable."),
                    parameter("tz", "Zone of times that carry none."),
                    origin,
                ],
                body=dict.fromkeys(CONTENT, binary),
                failures=("400", "403", "413"),
            )
        },
    }
