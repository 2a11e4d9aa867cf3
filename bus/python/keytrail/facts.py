"""What a subscriber gets: facts, their bytes, and the chain of hashes that holds them together."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .errors import ChainBroken, Malformed

_STAMP = struct.Struct("<6Q32s32s")  # bus/README.md, "A fact"
_LENGTHS = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Facets:
    """What one asks a fact for."""

    part: str  # "kms"
    user: str  # on whose behalf; "" if nobody had authenticated
    action: str  # 32 hexadecimal digits; every fact of one user action carries it
    cause: int  # position of the fact that made the author act; 0: none
    severity: str  # "info", "notice", "warning", "error"
    author: str  # "kms/kms-1"
    stream: str  # "kms/kms-c1/object/…"
    is_change: bool  # of its stream; False: a note (a check, a refusal, a release)
    address: str  # where the request came from


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: what happened, and where it stands in the log."""

    position: int
    time: datetime  # the log's, UTC
    type: str  # "kms.KeyReleased"
    subject: str  # "vm/vm-1": what it is about first of all
    facets: Facets
    data: Mapping[str, Any]  # the event's own fields; 64-bit numbers are strings
    leaf: bytes  # its hash, 32 bytes
    previous: bytes = field(repr=False)  # the leaf of the fact before
    entry: bytes = field(
        repr=False, default=b""
    )  # stamp and body, what is hashed; b"": not asked for


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact as it is stored and hashed: 112 bytes of stamp, then the body."""

    position: int
    time_ns: int
    author: str
    previous: bytes = field(repr=False)
    leaf: bytes
    raw: bytes = field(repr=False)  # stamp and body

    @classmethod
    def parse(cls, entry: bytes) -> Entry:
        if len(entry) < _STAMP.size:
            raise Malformed(f"a fact has at least {_STAMP.size} bytes, not {len(entry)}")
        position, time_ns, _, _, _, _, author, previous = _STAMP.unpack_from(entry)
        return cls(
            position,
            time_ns,
            author.rstrip(b"\0").decode("ascii", "replace"),
            previous,
            leaf_of(entry),
            entry,
        )


def leaf_of(entry: bytes) -> bytes:
    """RFC 6962: the hash of a leaf."""
    return hashlib.sha256(b"\0" + entry).digest()


def entries_in(blob: bytes) -> Iterator[Entry]:
    """(u32 length, u32 zero, stamp, body)*"""
    offset = 0
    while offset < len(blob):
        if offset + _LENGTHS.size > len(blob):
            raise Malformed(
                "a blob of facts ends within one; is something between here and the store?"
            )
        length, _ = _LENGTHS.unpack_from(blob, offset)
        offset += _LENGTHS.size
        if length < _STAMP.size or offset + length > len(blob):
            raise Malformed(
                "a blob of facts ends within one; is something between here and the store?"
            )
        yield Entry.parse(blob[offset : offset + length])
        offset += length


def from_cloudevent(line: bytes) -> Fact:
    """A line of the form `cloudevents`."""
    try:
        event = json.loads(line)
        kind = event["type"].removeprefix("keytrail.")
        facets = Facets(
            part=kind.partition(".")[0],
            user=event.get("authid", ""),
            action=event["correlationid"],
            cause=int(event.get("causationid", 0)),
            severity=event["severitytext"],
            author="/".join(event["source"].rsplit("/", 2)[-2:]),
            stream=event["ktstream"],
            is_change=event["kteffect"] == "change",
            address=event.get("ktaddress", ""),
        )
        return Fact(
            position=int(event["id"]),
            time=datetime.fromisoformat(event["time"]),
            type=kind,
            subject=event.get("subject", ""),
            facets=facets,
            data=event["data"],
            leaf=bytes.fromhex(event["ktleaf"]),
            previous=bytes.fromhex(event["ktprevious"]),
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise Malformed(
            f"the event store sent what is no CloudEvent of a fact ({error!r}); "
            "is this package as new as the store?"
        ) from error


@dataclass(slots=True)
class Chain:
    """The chain as far as it is seen: of what a filter or a grant leaves out, order alone is."""

    done: int = 0  # nothing up to here may come (again)
    seen: int = 0  # the last fact whose hash is known, and its hash
    leaf: bytes = b""
    gapless: bool = False  # nothing is filtered and everything granted: none may be left out

    def add(self, fact: Fact | Entry, log: str) -> None:
        if fact.position <= self.done:
            raise ChainBroken(
                f"position {fact.position} came after {self.done}; "
                "run `keytrail log verify` where the log is"
            )
        if self.gapless and fact.position != self.done + 1:
            raise ChainBroken(
                f"the positions {self.done + 1} to {fact.position - 1} were left out, though "
                "nothing is filtered; run `keytrail log verify` where the log is"
            )
        before = first_previous(log) if fact.position == 1 else self.leaf
        if fact.position == self.seen + 1 and before and fact.previous != before:
            raise ChainBroken(
                f"the fact at {fact.position} does not follow the one before it: it names "
                f"{fact.previous.hex()[:16]}…, not {before.hex()[:16]}…; "
                "run `keytrail log verify` where the log is"
            )
        self.done = self.seen = fact.position
        self.leaf = fact.leaf


def first_previous(log: str) -> bytes:
    """What the first fact of a log names as the leaf before it."""
    return hashlib.sha256(b"keytrail/log/1" + bytes.fromhex(log)).digest()


def with_entry(fact: Fact, entry: Entry | None) -> Fact:
    """The fact with its bytes, after checking that they are its own."""
    if entry is None or entry.leaf != fact.leaf or entry.previous != fact.previous:
        raise ChainBroken(
            f"the bytes of the fact at {fact.position} are not what its hash says; "
            "run `keytrail log verify` where the log is"
        )
    return Fact(
        fact.position,
        fact.time,
        fact.type,
        fact.subject,
        fact.facets,
        fact.data,
        fact.leaf,
        fact.previous,
        entry.raw,
    )
