"""The rules of the house that a machine can check: who may import whom, how large, and that each says what it is."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("web/**/*.py")])
BROWSER = sorted([*ROOT.glob("web/static/*.js"), *ROOT.glob("web/static/*.css")])

# A layer may import itself and what stands to the right of it.
LAYERS = {
    "engine.reference": {"leaf", "engine.warehouse"},
    "engine.ingest": {"leaf", "engine.warehouse", "engine.catalog", "engine.reference"},
    "engine.query": {"leaf", "engine.catalog", "engine.warehouse", "engine.access", "engine.reference"},
    "engine.verify": {"leaf", "engine.warehouse", "engine.catalog", "engine.reference"},
    "engine.exports": {"leaf", "engine.query"},
    "engine.warehouse": {"leaf", "engine.catalog"},
    "engine.catalog": {"leaf"},
    "engine.access": {"leaf"},
    "engine.site": {
        "leaf",
        "engine.ingest",
        "engine.reference",
        "engine.query",
        "engine.verify",
        "engine.warehouse",
        "engine.catalog",
        "engine.access",
    },
    "engine.traffic": {"leaf", "engine.warehouse"},
    "leaf": {"leaf"},
}
OWNERS = {
    "clickhouse_connect": {"engine/warehouse/gateway.py", "engine/warehouse/failures.py"},
    "chdb": set(),
    "litestar": {"web/"},
    "uvicorn": {"web/server.py"},
    "httpx": {"web/client.py"},
    "click": {"web/"},
    "rich": {"web/cli.py", "web/inventory.py", "web/dialects.py"},
    "jinja2": {"engine/template.py"},
    "pyarrow": {
        "engine/ingest/tables.py",
        "engine/ingest/packing.py",
        "engine/traffic.py",
        "engine/exports/blocks.py",
        "engine/exports/lines.py",
        "engine/exports/columnar.py",
    },
    "xlsxwriter": {"engine/exports/sheet.py"},
    "schedule": set(),
    "anyio": {"web/"},
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "core", "manager", "base", "misc"}


def layer(module: str) -> str:
    return next((name for name in LAYERS if name != "leaf" and (module + ".").startswith(name + ".")), "leaf")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    here = name_of(path)
    for target in imports(path):
        if here.startswith("engine"):
            assert not (target + ".").startswith("web."), f"{here} knows of the web: {target}"
        if here.startswith("engine") and target.startswith("engine."):
            assert layer(target) in {layer(here), *LAYERS[layer(here)]}, f"{here} may not import {target}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_dependency_has_its_owner(path: Path) -> None:
    where = path.relative_to(ROOT).as_posix()
    for target in imports(path):
        owners = OWNERS.get(target.split(".")[0])
        if owners is not None:
            assert any(where.startswith(owner) for owner in owners), f"{where} may not import {target}"


def test_every_runtime_dependency_is_owned() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {text.split(">")[0].split("[")[0].replace("-", "_") for text in project["dependencies"]}
    assert names - {"msgspec"} <= set(OWNERS)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_goes_in_and_what_comes_out(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert said, f"{path} has no docstring"
    assert said.splitlines()[0].endswith("."), f"{path}: the first line is not one sentence"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_small_and_named_for_what_they_are(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 500
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", BROWSER, ids=lambda path: path.name)
def test_what_runs_in_the_browser_is_small_and_says_what_it_is(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 500
    assert path.stem not in FORBIDDEN_NAMES
    assert text.startswith(("/**", "/*")), "the first line says what goes in and what comes out"
    assert "http://" not in text, "nothing is loaded from elsewhere"
    assert "https://" not in text, "nothing is loaded from elsewhere"
    assert "innerHTML" not in text, "names of customers are text, never markup"


def test_the_median_module_is_small() -> None:
    lengths = sorted(len(path.read_text("utf-8").splitlines()) for path in MODULES)
    assert lengths[len(lengths) // 2] <= 150


def test_sql_lives_in_sql() -> None:
    # Python may put a short statement together; a text of its own belongs under sql/, where it is read as SQL.
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value.strip().upper()
                if text.startswith(("SELECT ", "INSERT ", "WITH ", "CREATE ")):
                    assert node.value.count("\n") == 0, f"{path}: {node.value[:60]!r} belongs under sql/"


def test_schemas_and_sql_hold_no_python() -> None:
    assert not [*ROOT.glob("sql/**/*.py"), *ROOT.glob("schemas/**/*.py")]
