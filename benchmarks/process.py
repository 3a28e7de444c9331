"""A process goes in, the memory that it takes comes out, as Linux counts it."""

import re
from pathlib import Path


def resident(pid: int | str = "self") -> int:
    """Return the bytes in memory now."""
    return _status(pid, "VmRSS")


def peak(pid: int | str = "self") -> int:
    """Return the most bytes in memory since `forget_peak`."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int | str = "self") -> None:
    """Let the peak begin anew with what is in memory now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int | str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found, f"no {name} of {pid}"  # noqa: S101 - Linux tells it of every living process
    return int(found[1]) << 10
