"""A site's settings go in; what one question may take, and a failure that names the limit it met, come out."""

from msgspec import Struct

from engine.errors import TollhouseError, TooLarge
from engine.settings import Settings

FLAT: dict[str, int | float] = {
    # What groups, and sorting, may each take in memory before they go on on disk.
    "max_bytes_before_external_group_by": 16 << 20,
    "max_bytes_before_external_sort": 16 << 20,
    # The engine would wait until half of the machine's memory is taken, and until a sort has 100 MB.
    "max_bytes_ratio_before_external_group_by": 0,
    "max_bytes_ratio_before_external_sort": 0,
    "min_external_sort_block_bytes": 1,
    # What was put on disk is read back a block of each piece at a time, each through buffers of this size.
    "max_block_size": 8192,
    "prefer_external_sort_block_bytes": 1 << 18,
    "temporary_files_buffer_size": 1 << 16,
    # One piece at a time is put together again of what was grouped on disk.
    "aggregation_memory_efficient_merge_threads": 1,
}
"""Under what the engine answers in flat memory, however many rows there are."""


class Limits(Struct, frozen=True):
    """What one question may take, and the settings that say so; 0 is no limit."""

    rows: int
    rows_setting: str
    seconds: float
    seconds_setting: str
    rows_read: int
    flat: bool = False

    def engine(self) -> dict[str, int | float]:
        """Return them in the engine's words."""
        words: dict[str, int | float] = {}
        if self.seconds:
            words["max_execution_time"] = self.seconds
        if self.rows_read:
            words["max_rows_to_read"] = self.rows_read
        return words | FLAT if self.flat else words

    def named(self, failure: TollhouseError) -> TollhouseError:
        """Return a failure of the engine's as one that names the setting, when it is one of these limits."""
        if failure.code == "too_slow" and self.seconds:
            return TooLarge(
                "too_slow",
                f"the question ran longer than {self.seconds_setting} allows, {self.seconds:g} seconds",
                hint=f"narrow it, or raise {self.seconds_setting}",
            )
        if failure.code == "reads_too_much" and self.rows_read:
            return TooLarge(
                "reads_too_much",
                f"the question reads more rows than max_rows_read allows, {self.rows_read}",
                hint="narrow it, ask for whole days, or raise max_rows_read",
            )
        return failure

    def many(self, pointer: str | None = None) -> TooLarge:
        """Return the failure of an answer with more rows than these."""
        return TooLarge(
            "too_many_rows",
            f"the answer has more rows than {self.rows_setting} allows, {self.rows}",
            pointer=pointer,
            hint=f"narrow the question, give a limit, or raise {self.rows_setting}",
        )


def of_answers(settings: Settings) -> Limits:
    """Return what a question may take whose answer is held in memory."""
    return Limits(settings.max_rows, "max_rows", settings.max_seconds, "max_seconds", settings.max_rows_read)


def of_exports(settings: Settings) -> Limits:
    """Return what a question may take whose rows are written while they are read."""
    return Limits(
        settings.max_export_rows,
        "max_export_rows",
        settings.max_export_seconds,
        "max_export_seconds",
        settings.max_rows_read,
        flat=True,
    )
