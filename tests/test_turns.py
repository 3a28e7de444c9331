"""Loads take turns: small ones share a commit, a large one lets others pass, too many are told to come again."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.access.principal import ADMIN
from engine.errors import Conflict, TooMany
from engine.ingest.ledger import Chunk, Ledger
from engine.ingest.pipeline import Asked, Receipt, Request
from engine.query.question import Question
from engine.site import Site
from tests.loading import assert_books_agree, counts, standing
from tests.server import Server

pytestmark = pytest.mark.engine

HEADER = "call_id,start_time,customer,customer_charge"


def a_file(folder: Path, name: str, *lines: str) -> Path:
    path = folder / f"{name}.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def calls(name: str, count: int, hour: int = 10) -> list[str]:
    return [f"{name}-{n},2026-10-05T{hour:02}:00:00Z,{name},0.01" for n in range(count)]


@contextmanager
def busy_writer(site: Site) -> Iterator[None]:
    """While the block runs, the writer commits nothing."""
    with site.loader._writing:
        yield


def in_background(site: Site, path: Path, source: str) -> threading.Thread:
    thread = threading.Thread(target=site.ingest, args=(path, path.name, Asked(source=source)))
    thread.start()
    return thread


def staged(site: Site, files: int) -> None:
    """Wait until this many files have been read and wait for the writer."""
    deadline = time.monotonic() + 60
    while len(site.loader._queue) < files:
        assert time.monotonic() < deadline, f"{len(site.loader._queue)} files of {files} were staged"
        time.sleep(0.01)


def test_small_loads_that_wait_share_a_commit_and_each_has_its_own_receipt(site: Site, tmp_path: Path) -> None:
    before = site.watermark()
    paths = [a_file(tmp_path, f"p{n}", *calls(f"p{n}", 20 + n)) for n in range(6)]
    with ThreadPoolExecutor(6) as posters:
        with busy_writer(site):
            futures = [posters.submit(site.ingest, path, path.name, Asked(source="share")) for path in paths]
            staged(site, 6)
        receipts = [future.result() for future in futures]
    assert site.watermark() == before + 1
    assert [(receipt.origin, counts(receipt)) for receipt in receipts] == [
        (path.name, {"accepted": 20 + n}) for n, path in enumerate(paths)
    ]
    assert len(standing(site, "share")) == sum(range(20, 26))
    assert_books_agree(site)


def test_what_loads_of_one_commit_say_of_one_call_is_told_apart_by_their_batches(site: Site, tmp_path: Path) -> None:
    """The later batch corrects, whichever of them is committed with it, before it or after it."""
    futures: list[Future[Receipt]] = []
    with ThreadPoolExecutor(3) as posters:
        with busy_writer(site):
            for n, charge in enumerate(("0.1", "0.2", "0.2")):
                path = a_file(tmp_path, f"said-{n}", f"one,2026-10-06T10:00:00Z,x,{charge}")
                futures.append(posters.submit(site.ingest, path, path.name, Asked(source="told")))
                staged(site, n + 1)
        told = [counts(future.result()) for future in futures]
    assert told == [{"accepted": 1}, {"corrections": 1}, {"duplicates": 1}]
    assert [str(row["customer_charge"]) for row in standing(site, "told")] == ["0.20000000"]
    assert_books_agree(site)


def test_a_large_load_lets_small_ones_pass_and_its_number_still_decides(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The small file has the higher number, so what it says stands, though the large one is committed last."""
    monkeypatch.setattr(site.loader, "_settings", replace(site.settings, chunk_records=10))
    big = a_file(tmp_path, "big", *calls("big", 40), "shared,2026-10-07T10:00:00Z,big,1")
    small = a_file(tmp_path, "small", "shared,2026-10-07T10:00:00Z,small,2")
    order: list[tuple[int, ...]] = []
    commits = Ledger.commit_chunk

    def noted(self: Ledger, chunk: Chunk) -> None:
        order.append(chunk.batches)
        commits(self, chunk)

    monkeypatch.setattr(Ledger, "commit_chunk", noted)
    with busy_writer(site):
        first = in_background(site, big, "passing")
        staged(site, 1)
        second = in_background(site, small, "passing")
        staged(site, 2)
    first.join()
    second.join()
    assert [len(set(order[:2])), order[0], order[-1]] == [2, order[0], order[0]], "the small one did not pass"
    [shared] = [row for row in standing(site, "passing") if row["call_id"] == "shared"]
    assert shared["customer"] == "small"
    assert len(standing(site, "passing")) == 41
    assert_books_agree(site)


def test_content_that_comes_late_under_a_lower_number_can_bring_back_what_another_load_said(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches 1, 2, 3 say B, A, B of a call; 1 comes last. B was then said first by 1, so A, said by 2, stands."""
    monkeypatch.setattr(site.loader, "_settings", replace(site.settings, chunk_records=3))
    first = a_file(tmp_path, "first", *calls("filler", 5), "one,2026-10-08T10:00:00Z,B,1")
    with busy_writer(site):
        slow = in_background(site, first, "late")
        staged(site, 1)
        others = []
        for n, name in enumerate("AB"):
            path = a_file(tmp_path, name, f"one,2026-10-08T10:00:00Z,{name},1")
            others.append(in_background(site, path, "late"))
            staged(site, n + 2)
    for thread in (slow, *others):
        thread.join()
    [one] = [row for row in standing(site, "late") if row["call_id"] == "one"]
    assert one["customer"] == "A"
    assert_books_agree(site)


def test_too_many_waiting_loads_are_refused_before_their_files_are_read(site: Site, tmp_path: Path) -> None:
    settings = site.loader._settings
    site.loader._settings = replace(settings, max_waiting_loads=1)
    try:
        with busy_writer(site):
            waits = in_background(site, a_file(tmp_path, "waits", *calls("waits", 3)), "many")
            staged(site, 1)
            with pytest.raises(TooMany) as refused:
                site.ingest(a_file(tmp_path, "refused", *calls("refused", 3)), "refused", Asked(source="many"))
        waits.join()
    finally:
        site.loader._settings = settings
    assert refused.value.code == "loads_waiting"
    assert {row["customer"] for row in standing(site, "many")} == {"waits"}


class TestRepeatedRequest:
    def test_is_answered_as_the_first_time_and_loads_nothing(self, site: Site, tmp_path: Path) -> None:
        path = a_file(tmp_path, "once", *calls("once", 5))
        first = site.ingest(path, "POST /cdrs", Asked(source="once"), request=Request("key-1"))
        commit = site.watermark()
        assert site.ingest(path, "POST /cdrs", Asked(source="once"), request=Request("key-1")) == first
        assert site.watermark() == commit
        assert counts(first) == {"accepted": 5}

    def test_with_another_body_is_refused(self, site: Site, tmp_path: Path) -> None:
        one, other = (a_file(tmp_path, name, *calls(name, 2)) for name in ("one", "other"))
        site.ingest(one, "POST /cdrs", Asked(), request=Request("key-2"))
        with pytest.raises(Conflict) as refused:
            site.ingest(other, "POST /cdrs", Asked(), request=Request("key-2"))
        assert refused.value.code == "key_reused"

    def test_with_the_same_body_but_force_is_another_request(self, site: Site, tmp_path: Path) -> None:
        path = a_file(tmp_path, "forced", *calls("forced", 2))
        site.ingest(path, "POST /cdrs", Asked(), request=Request("key-5"))
        with pytest.raises(Conflict) as refused:
            site.ingest(path, "POST /cdrs", Asked(force=True), request=Request("key-5"))
        assert refused.value.code == "key_reused"

    def test_while_the_first_one_runs_waits_for_its_answer(self, site: Site, tmp_path: Path) -> None:
        path = a_file(tmp_path, "meanwhile", *calls("meanwhile", 4))
        with ThreadPoolExecutor(4) as posters:
            asked = [
                posters.submit(site.ingest, path, "POST /cdrs", Asked(source="meanwhile"), None, Request("key-3"))
                for _ in range(4)
            ]
            receipts = [future.result() for future in asked]
        assert len(set(receipts)) == 1
        assert counts(receipts[0]) == {"accepted": 4}

    def test_of_one_that_failed_is_a_new_request(self, site: Site, tmp_path: Path) -> None:
        path = tmp_path / "bad.csv"
        path.write_text("call_id,start_time\nbad,soon\n")
        for _ in range(2):
            with pytest.raises(Exception, match="no record of"):
                site.ingest(path, "POST /cdrs", Asked(), request=Request("key-4"))
        good = a_file(tmp_path, "good", *calls("good", 1))
        assert counts(site.ingest(good, "POST /cdrs", Asked(source="good"), request=Request("key-4"))) == {
            "accepted": 1
        }


def test_a_close_cuts_no_file_in_two(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.loader, "_settings", replace(site.settings, chunk_records=10))
    rows = [f"cut-{n},2025-03-05T10:00:00Z,cut,0.01" for n in range(35)]
    large = a_file(tmp_path, "cut", *rows)
    with busy_writer(site):
        thread = in_background(site, large, "cut")
        staged(site, 1)
        site.loader._commit_next()  # the first ten records are committed
        closer = threading.Thread(target=site.loader.close, args=("2025-03", "UTC", "anna"))
        closer.start()
    for each in (thread, closer):
        each.join(60)
    invoiced = site.ask(
        Question(start="2025-03-01", end="2025-04-01", measures=("attempts",), as_of="close:2025-03"), ADMIN
    )
    assert invoiced.rows == [(35,)]


def test_over_http_a_key_makes_a_repeat_safe_also_after_a_restart(tmp_path: Path) -> None:
    dsn = f"chdb://{tmp_path / 'database'}"
    body = "\n".join([HEADER, *calls("http", 7)]) + "\n"
    headers = {"content-type": "text/csv", "idempotency-key": "5f3a-1"}
    answers = []
    for _ in range(2):
        with Server(dsn) as server, server.client() as client:
            answers.append(client.post("/api/v1/cdrs", content=body, headers=headers).raise_for_status().json())
            other = client.post("/api/v1/cdrs", content=body + "x", headers=headers)
            assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")
            bad = client.post("/api/v1/cdrs", content=body, headers={**headers, "idempotency-key": "two words"})
            assert (bad.status_code, bad.json()["error"]["pointer"]) == (400, "Idempotency-Key")
    assert answers[0] == answers[1]
    assert answers[0]["accepted"] == 7


def test_over_http_a_poster_that_is_refused_is_told_when_to_come_again(tmp_path: Path) -> None:
    """Many at once on a server that lets two wait: some are refused with Retry-After, and nothing is lost."""
    with Server(f"chdb://{tmp_path / 'database'}", max_waiting_loads="2") as server:

        def post(n: int) -> int:
            refused = 0
            with server.client() as client:
                while True:
                    body = "\n".join([HEADER, *calls(f"c{n}", 30)]) + "\n"
                    answer = client.post("/api/v1/cdrs", content=body, headers={"content-type": "text/csv"})
                    if answer.status_code == 200:
                        assert answer.json()["accepted"] == 30
                        return refused
                    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "loads_waiting")
                    assert int(answer.headers["retry-after"]) >= 1
                    refused += 1
                    time.sleep(0.05)

        with ThreadPoolExecutor(8) as posters:
            refused = sum(posters.map(post, range(16)))
        with server.client() as client:
            answer = client.get(
                "/api/v1/reports/breakout", params={"from": "2026-10-01", "to": "2026-11-01", "rows": ""}
            )
    assert refused > 0, "nobody was ever refused"
    assert answer.json()["rows"][0][0] == 16 * 30
