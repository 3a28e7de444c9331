"""A page in a browser goes in, what axe-core finds wrong with it comes out; npm brings the checker."""

import base64
import hashlib
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

VERSION = "4.14.1"
INTEGRITY = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
"""The SHA-512 of the package, as npm tells it."""

_RUN = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .map(({impact, id, help, nodes}) => `${impact}: ${id}: ${help}: ${nodes.slice(0, 3).map(n => n.html).join(" ")}`)
"""


@cache
def source() -> str:
    """Return the checker's text; raises `OSError` or `CalledProcessError` where npm or its registry is missing."""
    with tempfile.TemporaryDirectory(prefix="tollhouse-axe-") as folder:
        command = ["npm", "pack", f"axe-core@{VERSION}", "--silent", "--pack-destination", folder]
        subprocess.run(command, check=True, cwd=folder, timeout=120, capture_output=True)
        packed = next(Path(folder).glob("*.tgz"))
        digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
        assert digest == INTEGRITY, "this is not the axe-core that was asked for"
        with tarfile.open(packed) as package:
            member = package.extractfile("package/axe.min.js")
            assert member
            return member.read().decode()


def violations(page: Page) -> list[str]:
    """Return what breaks a rule of axe-core, each with its impact and the first elements."""
    page.evaluate(source())
    found: list[str] = page.evaluate(_RUN)
    return found
