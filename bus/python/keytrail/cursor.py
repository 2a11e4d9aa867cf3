"""A position that outlives its process."""

from __future__ import annotations

import json
import os
from os import PathLike
from pathlib import Path

from .errors import Malformed
from .facts import Fact


class FileCursor:
    """Up to where facts are processed, in a file: save a fact when what it caused is on disk.

    After a crash the facts since the last save come again, and none is left out. With the position
    the file keeps the last fact's hash and the log's id: another log, an older copy or a rewritten
    one is refused at the next connect. One process at a time.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = Path(path)
        self.position = 0  # processed up to here; 0: nothing yet
        self.log = ""
        self.generation = 0
        self.seen_position = 0  # the last fact of which the hash is known
        self.seen_leaf = b""
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return
        try:
            kept = json.loads(text)
            self.position = int(kept["position"])
            self.log = str(kept["log"])
            self.generation = int(kept["generation"])
            self.seen_position = int(kept["seen"]["position"])
            self.seen_leaf = bytes.fromhex(kept["seen"]["leaf"])
        except (ValueError, KeyError, TypeError) as error:
            raise Malformed(
                f"{self._path} is no cursor; remove it to begin again at the start, or name "
                "another file"
            ) from error

    def save(self, processed: Fact | int) -> None:
        """Durable when it returns. A position alone is what a BOOKMARK tells: facts that the filter
        skipped."""
        if isinstance(processed, Fact):
            self.position = processed.position
            self.seen_position, self.seen_leaf = processed.position, processed.leaf
        else:
            self.position = processed
        self._write(
            json.dumps(
                {
                    "position": str(self.position),
                    "log": self.log,
                    "generation": str(self.generation),
                    "seen": {"position": str(self.seen_position), "leaf": self.seen_leaf.hex()},
                }
            )
            + "\n"
        )

    def _write(self, text: str) -> None:
        beside = self._path.with_name(self._path.name + ".new")
        with open(beside, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
