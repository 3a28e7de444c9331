"""A running server's URL goes in, the same questions and loads as on an own database come out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from engine.errors import BadRequest, TollhouseError, Unavailable
from engine.ingest.pipeline import Asked, Receipt
from engine.query.question import Question
from engine.query.search import Search
from engine.verify.window import Watch
from web.errors import ErrorBody, ErrorDetail
from web.progress import PROGRESS

_TYPES = {
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".json": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.stream",
    ".arrows": "application/vnd.apache.arrow.stream",
}


Page = TypeVar("Page")


class Client:
    """A server, reached over HTTP."""

    def __init__(self, url: str, key: str | None) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._url = url.rstrip("/")
        try:
            self._http = httpx.Client(
                base_url=f"{self._url}/api/v1", headers=headers, timeout=httpx.Timeout(600, connect=5)
            )
        except httpx.InvalidURL as failure:
            raise BadRequest("bad_url", f"--url {url!r} is not a URL", hint="like http://127.0.0.1:8321") from failure

    @contextmanager
    def _sent(self, method: str, path: str, **request: object) -> Iterator[httpx.Response]:
        try:
            with self._http.stream(method, path, **request) as response:  # type: ignore[arg-type]
                if response.status_code >= 400:
                    response.read()
                    raise _failure(response)
                yield response
        except httpx.TransportError as failure:
            raise Unavailable(
                "server_unreachable",
                f"no Tollhouse answers at {self._url}",
                hint="check --url; is `tollhouse serve` up?",
            ) from failure

    def ask(self, question: Question, form: str, **options: str) -> Iterator[bytes]:
        """Ask a question; yield the answer as the server writes it."""
        body = msgspec.json.encode(question)
        parameters = {"format": form, **options}
        headers = {"content-type": "application/json"}
        with self._sent("POST", "/query", content=body, params=parameters, headers=headers) as response:
            yield from response.iter_bytes()

    def calls(self, search: Search, form: str, **options: str) -> Iterator[bytes]:
        """Look for calls; yield them as the server writes them."""
        body = msgspec.json.encode(search)
        parameters = {"format": form, **options}
        headers = {"content-type": "application/json"}
        with self._sent("POST", "/calls", content=body, params=parameters, headers=headers) as response:
            yield from response.iter_bytes()

    def explain(self, question: Question) -> bytes:
        """Ask why a question is answered from where."""
        body = msgspec.json.encode(question)
        with self._sent(
            "POST", "/query/explain", content=body, headers={"content-type": "application/json"}
        ) as response:
            return response.read()

    def ingest(self, path: Path, asked: Asked, origin: str, key: str | None = None) -> Receipt:
        """Send a file to be loaded; `origin` is what people call it, `key` makes a repeat safe."""
        names = {"dialect": asked.dialect, "source": asked.source, "tz": asked.zone, "origin": origin}
        headers = {"idempotency-key": key} if key else {}
        return self.upload("/cdrs", path, names | ({"force": "true"} if asked.force else {}), Receipt, **headers)

    def upload(self, to: str, path: Path, asked: dict[str, Any], kind: type[Page], **headers: str) -> Page:
        """Send a file as it is, and return what is answered."""
        plain = path.name.removesuffix(".gz").removesuffix(".zst")
        told = {"content-type": _TYPES.get(Path(plain).suffix.lower(), "text/csv"), **headers}
        with (
            path.open("rb") as file,
            self._sent("POST", to, content=file, params=_said(asked), headers=told) as response,
        ):
            return msgspec.json.decode(response.read(), type=kind)

    def call(self, method: str, path: str, asked: dict[str, Any] | None = None) -> Any:
        """Make a call of the API that takes and gives small JSON, and return what it says."""
        body = {} if asked is None else {"content": msgspec.json.encode(asked)}
        with self._sent(method, path, headers={"content-type": "application/json"}, **body) as response:
            return msgspec.json.decode(response.read())

    def page(self, path: str, kind: type[Page], asked: dict[str, Any]) -> Page:
        """Return one page of a list."""
        with self._sent("GET", path, params=_said(asked)) as response:
            return msgspec.json.decode(response.read(), type=kind)

    def watch(self, path: str, asked: dict[str, Any], watch: Watch) -> Any:
        """Ask for long work, pass on what is told of its progress, and return its result."""
        headers = {"content-type": "application/json", "accept": PROGRESS}
        body = msgspec.json.encode(asked)
        timeout = httpx.Timeout(None, connect=5)
        with self._sent("POST", path, content=body, headers=headers, timeout=timeout) as response:
            for line in response.iter_lines():
                told = msgspec.json.decode(line)
                if "progress" in told:
                    watch(*(told["progress"][name] for name in ("step", "done", "total")))
                elif "error" in told:
                    raise _ours(msgspec.convert(told["error"], ErrorDetail))
                else:
                    return told["result"]
        raise Unavailable("server", "the server broke off without a result", hint="its log says why")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def _said(asked: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in asked.items() if value is not None}


def _failure(response: httpx.Response) -> TollhouseError:
    try:
        detail = msgspec.json.decode(response.content, type=ErrorBody).error
    except msgspec.DecodeError:
        return Unavailable("server", f"the server answered {response.status_code} without saying why")
    return _ours(detail, response.status_code)


def _ours(detail: ErrorDetail, status: int = 500) -> TollhouseError:
    kind = next((kind for kind in TollhouseError.__subclasses__() if kind.status == status), TollhouseError)
    return kind(detail.code, detail.message, pointer=detail.pointer, hint=detail.hint)
