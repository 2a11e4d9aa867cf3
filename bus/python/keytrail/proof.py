"""A fact with the proof that it stands in a log: checks without the log (bus/proof/README.md has
the formats)."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from . import conversation as core
from .endpoints import Endpoints
from .errors import Malformed, NotFound, ProofFailed, Unreachable
from .facts import Entry

_MAGIC = "c2sp.org/tlog-proof@v1"
_BYTES_MAX = 256 * 1024
_PATH_MAX = 128
_CHECKPOINT_WITHIN = 5.0  # the store writes one a second


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The signed note over the tree of a log's first `size` leaves."""

    origin: str  # "keytrail/<log id>": the name of the log and of its key
    size: int
    root: bytes
    generation: int
    note: str = field(repr=False)

    @classmethod
    def parse(cls, note: str) -> Checkpoint:
        text, _, _ = note.rpartition("\n\n")
        lines = text.split("\n")
        try:
            origin, size, root, generation = lines
            if not origin.startswith("keytrail/") or not generation.startswith("generation "):
                raise ValueError(origin)
            return cls(
                origin,
                int(size),
                _from_base64(root),
                int(generation.removeprefix("generation ")),
                note,
            )
        except ValueError as error:
            raise Malformed(
                "this is no checkpoint of a Keytrail log; it is the file `checkpoint` in the event "
                "store's folder"
            ) from error

    def check_signature(self, key: str) -> None:
        """ProofFailed unless the log's own key signed it. key: a vkey or 64 hexadecimal digits."""
        from_key, public = _public_key(key, self.origin)
        if from_key != self.origin:
            raise ProofFailed(f"the key is of {from_key}, the checkpoint of {self.origin}")
        key_id = hashlib.sha256(self.origin.encode() + b"\n\x01" + public).digest()[:4]
        text, _, signatures = self.note.rpartition("\n\n")
        for line in signatures.splitlines():
            name, _, blob = line.removeprefix("\u2014 ").partition(" ")
            signature = _from_base64(blob)
            if name == self.origin and signature[:4] == key_id:
                _check_ed25519(public, signature[4:], (text + "\n").encode())
                return
        raise ProofFailed(f"the checkpoint of {self.origin} is not signed with this key")


@dataclass(frozen=True, slots=True)
class Proof:
    """What a tlog-proof@v1 file holds. `keytrail log check` reads what `save` writes, and the other
    way round."""

    entry: Entry
    path: Sequence[bytes] = field(repr=False)
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, text: str) -> Proof:
        head, _, note = text.partition("\n\n")
        lines = head.split("\n")
        if (
            len(text) > _BYTES_MAX
            or len(lines) < 3
            or lines[0] != _MAGIC
            or len(lines) > 3 + _PATH_MAX
        ):
            raise Malformed(f"this is no proof: it does not begin with {_MAGIC}, or is too long")
        if not lines[1].startswith("extra ") or not lines[2].startswith("index "):
            raise Malformed(
                "the proof does not carry its fact and index; `keytrail log prove` makes such files"
            )
        entry = Entry.parse(_from_base64(lines[1].removeprefix("extra ")))
        # The tree proves the leaf's place; the orderer wrote the position into the fact itself.
        if lines[2] != f"index {entry.position - 1}":
            raise ProofFailed(
                f"the fact says that it is at {entry.position}, the proof has '{lines[2]}'"
            )
        return cls(entry, tuple(_from_base64(line) for line in lines[3:]), Checkpoint.parse(note))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Proof:
        return cls.parse(Path(path).read_text(encoding="utf-8"))

    def text(self) -> str:
        hashes = "".join(base64.b64encode(node).decode() + "\n" for node in self.path)
        extra = base64.b64encode(self.entry.raw).decode()
        head = f"{_MAGIC}\nextra {extra}\nindex {self.entry.position - 1}\n"
        return head + hashes + "\n" + self.checkpoint.note

    def save(self, path: str | PathLike[str]) -> None:
        Path(path).write_text(self.text(), encoding="utf-8")

    def verify(self, key: str) -> None:
        """ProofFailed unless the fact is in the tree of the checkpoint, and the log's key signed
        that."""
        self.check_inclusion()
        self.checkpoint.check_signature(key)

    def check_inclusion(self) -> None:
        if not includes(
            self.entry.position - 1,
            self.checkpoint.size,
            self.entry.leaf,
            self.path,
            self.checkpoint.root,
        ):
            raise ProofFailed(
                f"the fact at {self.entry.position} is not in the log that this checkpoint is of: "
                "it was altered, or the proof belongs to another"
            )


# --- the tree (RFC 6962, checked as in RFC 9162) --------------------------------------------------


def node_of(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Level by level; an odd last node goes up as it is, which is what splitting at powers of two
    comes to."""
    level = list(leaves) or [hashlib.sha256(b"").digest()]
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def path_to(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The siblings on the way from the leaf to the root."""
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        level = _level_above(level)
        index >>= 1
    return path


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    pairs = [node_of(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return pairs + [level[-1]] if len(level) % 2 else pairs


def includes(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2: `index` climbs from the leaf, `last` beside it along the right
    edge."""
    if not 0 <= index < size:
        return False
    last, node = size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = node_of(sibling, node)
            while not index & 1 and index != 0:
                index >>= 1
                last >>= 1
        else:
            node = node_of(node, sibling)
        index >>= 1
        last >>= 1
    return last == 0 and node == root


# --- making one -----------------------------------------------------------------------------------


def prove(
    session: core.Session, position: int, at: Endpoints, note: str | None, key: str | None
) -> core.Steps[Proof]:
    checkpoint = Checkpoint.parse(note) if note is not None else (yield from _newest(at, position))
    if not 1 <= position <= checkpoint.size:
        raise NotFound(
            f"the checkpoint covers positions 1 to {checkpoint.size}, which {position} is not"
        )
    entries = yield from core.entries_from_start(session, checkpoint.size)
    path = path_to(position - 1, [entry.leaf for entry in entries])
    proof = Proof(entries[position - 1], path, checkpoint)
    proof.verify(key or at.checkpoint_key)
    return proof


def _newest(at: Endpoints, position: int) -> core.Steps[Checkpoint]:
    """Of an installation on this machine, once it covers `position`: the next one is on its way."""
    end = time.monotonic() + _CHECKPOINT_WITHIN
    while True:
        try:
            checkpoint = Checkpoint.parse(Path(at.checkpoint_file).read_text(encoding="utf-8"))
        except OSError as error:
            raise Unreachable(
                f"there is no checkpoint at '{at.checkpoint_file}' ({error.strerror}): give the "
                "signed note with checkpoint=…"
            ) from error
        if checkpoint.size >= position or time.monotonic() > end:
            return checkpoint
        yield core.Pause(0.1)


# --- keys and signatures --------------------------------------------------------------------------


def _public_key(key: str, origin: str) -> tuple[str, bytes]:
    """Whose it is, and the key: of "name+id+base64", or of hexadecimal digits, which are the
    origin's own."""
    try:
        if "+" not in key:
            public = bytes.fromhex(key)
        else:
            origin, _, material = key.split("+", 2)
            kind, public = _from_base64(material)[:1], _from_base64(material)[1:]
            if kind != b"\x01":
                raise ValueError(kind)
        if len(public) != 32:
            raise ValueError(len(public))
    except ValueError as error:
        raise Malformed(f"'{key}' is not a log's key; `keytrail log info` prints it") from error
    return origin, public


def _from_base64(text: str) -> bytes:
    """Only what encoding gives: other spellings of the same bytes would let a file be altered."""
    try:
        decoded = base64.b64decode(text, validate=True)
        if base64.b64encode(decoded).decode() == text:
            return decoded
    except ValueError:
        pass
    raise Malformed(f"'{text[:40]}' is not base64")


def _check_ed25519(public: bytes, signature: bytes, text: bytes) -> None:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise ProofFailed(
            "who signed the checkpoint cannot be told without the package cryptography: install "
            "python3-cryptography, or keytrail[proof]"
        ) from error
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except InvalidSignature as error:
        raise ProofFailed("the checkpoint's signature does not hold: it was altered") from error
