"""The read socket's protocol (bus/README.md) without sockets: what to send, what answers mean.

Each call of a `Log` is a generator of steps. Whoever drives it does the I/O (`plain.py` blocks,
`aio.py` awaits) and sends back what a Receive got; so there is one protocol for both.

What is hashed are a fact's bytes, what one wants to read is the store's JSON of them. With `verify`
both are asked for, on a connection each, and every leaf is computed again.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from .cursor import FileCursor
from .errors import (
    HistoryChanged,
    Malformed,
    NotFound,
    Refused,
    Unreachable,
    WaitedTooLong,
    from_store,
)
from .facts import Chain, Entry, Fact, entries_in, from_cloudevent, with_entry

Form = Literal["cloudevents", "facts"]
From = Literal["start", "end"] | int | FileCursor
StateKind = Literal[
    "connected", "caught_up", "fell_behind", "bookmark", "heartbeat", "reconnecting"
]

CREDIT = 4096  # facts that may be under way to a follower
PAUSE_MAX = 2.0  # seconds between two attempts to connect
SILENT_HEARTBEATS = 6  # then the store is taken for gone
FACT_TOPICS = {
    f"{part}.{effect}"
    for part in ("eventstore", "kms", "vcenter", "esxi")
    for effect in ("change", "note")
}


@dataclass(frozen=True, slots=True)
class Message:
    verb: str
    id: str
    body: Mapping[str, Any]
    payload: bytes


# --- steps ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dial:
    """A new connection for this form, instead of the one before."""

    form: Form


@dataclass(frozen=True, slots=True)
class Send:
    form: Form
    verb: str
    id: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Receive:
    """The next message, or None after so many seconds of silence."""

    form: Form
    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class State:
    """How a follow is doing, for `on_state`."""

    kind: StateKind
    position: int  # processed up to here; at a bookmark: what the filter skipped included
    head: int = 0  # the log's durable end
    why: str = ""  # of reconnecting


Step = Dial | Send | Receive | Pause | State | Fact
T = TypeVar("T")
Steps = Generator[Step, Message | None, T]


class Lost(Unreachable):
    """The connection is of no use any more."""


# --- what is asked for ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filter:
    """Values of one facet are alternatives, facets restrict each other; all empty: everything that
    is granted."""

    topics: Sequence[str] = ()  # "kms.change", …
    types: Sequence[str] = ()  # "KeyReleased", "kms.KeyReleased" or "kms.*"
    users: Sequence[str] = ()
    keys: Sequence[str] = ()  # id or "provider/id"
    vms: Sequence[str] = ()
    hosts: Sequence[str] = ()
    actions: Sequence[str] = ()  # 32 hexadecimal digits or how they begin
    outcomes: Sequence[str] = ()  # succeeded, refused, failed, started, none

    def to_json(self) -> dict[str, Any]:
        lists: dict[str, list[str]] = {}
        for name in ("topics", "types", "users", "keys", "vms", "hosts", "actions", "outcomes"):
            values = getattr(self, name)
            if isinstance(values, str):
                raise Malformed(f"{name} is a list of texts: write {name}=[{values!r}]")
            if values:
                lists[name] = list(values)
        topics = lists.pop("topics", [])
        return {"topics": topics, "filter": lists}


# --- one connection's conversation ----------------------------------------------------------------


class Session:
    """A conversation that may be begun again: what it knows of the log outlives the connection."""

    def __init__(
        self, verify: bool, timeout: float | None, cursor: FileCursor | None = None
    ) -> None:
        self._forms: list[Form] = ["cloudevents", "facts"] if verify else ["cloudevents"]
        self._timeout = timeout
        self._verify = verify
        self._asked = 0
        self._cursor = cursor
        self.log = cursor.log if cursor else ""
        self.generation = cursor.generation if cursor else 0
        self.chain = Chain(seen=cursor.seen_position, leaf=cursor.seen_leaf) if cursor else Chain()
        self.first, self.head = 1, 0  # of what is there
        self._grants_all = False
        self.silence = 3.0

    def open(self) -> Steps[None]:
        """Connects and says HELLO, again and again for the whole timeout: a wrong key is answered
        with silence."""
        end = None if self._timeout is None else time.monotonic() + self._timeout
        for form in self._forms:
            seconds = min(1.0, self._timeout or 1.0)
            while True:
                yield Dial(form)
                yield Send(form, "HELLO", "hello", {"form": form, **self._known()})
                try:
                    welcome = yield from self.answer(form, "hello", seconds)
                    break
                except Lost:
                    left = 8.0 if end is None else end - time.monotonic()
                    if left <= 0:
                        raise Unreachable(
                            f"nothing answers for {self._timeout:g} s: does the event store run, "
                            "and is this subscriber's key admitted (`keytrail subscribers list`)?"
                        ) from None
                    seconds = min(2 * seconds, 8.0, left)
            self._take(welcome.body)

    def _known(self) -> dict[str, str]:
        if not self.log:
            return {}
        known = {"log": self.log, "generation": str(self.generation)}
        if self.chain.leaf:
            known |= {"position": str(self.chain.seen), "leaf": self.chain.leaf.hex()}
        return known

    def _take(self, welcome: Mapping[str, Any]) -> None:
        log, generation = str(welcome["log"]), int(welcome["generation"])
        if (self.log and log != self.log) or generation < self.generation:
            raise HistoryChanged(
                f"this is generation {generation} of log {log}, and generation {self.generation} "
                f"of {self.log} is known here; connect to the store "
                "of that log, or begin again with a new cursor"
            )
        self.log, self.generation = log, generation
        self.first, self.head = int(welcome["first"]), int(welcome["head"])
        self._grants_all = FACT_TOPICS <= set(welcome["topics"])
        self.silence = SILENT_HEARTBEATS * int(welcome["heartbeat_ms"]) / 1000
        if self._cursor is not None:
            self._cursor.log, self._cursor.generation = log, generation

    def begin(self, after: int, wanted: Filter) -> None:
        """What comes next are the facts after `after`."""
        self.chain.done = max(after, self.first - 1)
        # An event that the store is too old to render is missing from the JSON alone.
        self.chain.gapless = self._verify and self._grants_all and wanted == Filter()

    def answer(self, form: Form, request: str, seconds: float) -> Steps[Message]:
        """The next message that belongs to this request."""
        while True:
            message = yield Receive(form, seconds)
            if message is None:
                raise Lost("the event store fell silent; `keytrail status` shows whether it runs")
            if message.id != request:
                continue
            if message.verb == "ERROR":
                body = message.body
                raise from_store(
                    str(body.get("code")), str(body.get("message")), str(body.get("hint", ""))
                )
            return message

    def read(self, form: Form, after: int, until: int, wanted: Filter) -> Steps[tuple[bytes, int]]:
        """One READ: the payload, and up to where it went."""
        self._asked += 1
        request = f"read-{self._asked}"
        yield Send(
            form, "READ", request, {"after": str(after), "until": str(until), **wanted.to_json()}
        )
        payload = b""
        while True:
            message = yield from self.answer(form, request, self._timeout or 10.0)
            if message.verb == "FACTS":
                payload += message.payload
            elif message.verb == "END":
                position = int(message.body["position"])
                if position <= after:
                    raise Malformed(f"the event store does not get beyond position {after}")
                return payload, position

    def facts(self, lines: bytes, after: int, until: int, wanted: Filter) -> Steps[list[Fact]]:
        """The facts of (after, until] that the store sent as JSON, checked."""
        facts = [from_cloudevent(line) for line in lines.splitlines()]
        if not self._verify:
            self._extend(facts)
            return facts
        entries = yield from self.entries(after, until, wanted)
        return [with_entry(fact, entries.get(fact.position)) for fact in facts]

    def entries(self, after: int, until: int, wanted: Filter) -> Steps[dict[int, Entry]]:
        """The bytes of all facts of (after, until], chained."""
        found: dict[int, Entry] = {}
        while after < until:
            payload, after = yield from self.read("facts", after, until, wanted)
            found |= {entry.position: entry for entry in entries_in(payload)}
        self._extend(found.values())
        return found

    def _extend(self, facts: Iterable[Fact | Entry]) -> None:
        """All of them or none: what a lost connection cut short comes again."""
        chain = replace(self.chain)
        for fact in facts:
            chain.add(fact, self.log)
        self.chain = chain


# --- calls ----------------------------------------------------------------------------------------


def read(session: Session, after: int, until: int | None, wanted: Filter) -> Steps[None]:
    yield from session.open()
    session.begin(after, wanted)
    until = session.head if until is None else min(until, session.head)
    while after < until:
        lines, position = yield from session.read("cloudevents", after, until, wanted)
        for fact in (yield from session.facts(lines, after, position, wanted)):
            yield fact
        after = position


def get(session: Session, position: int) -> Steps[Fact]:
    if position < 1:
        raise Malformed(f"positions begin at 1; {position} is none")
    fact = yield from _first(read(session, position - 1, position, Filter()))
    if fact is not None:
        return fact
    raise NotFound(
        f"there is no fact at {position} for this subscriber: the log ends at {session.head}, and "
        "`keytrail subscribers list` shows which topics are granted"
    )


def follow(session: Session, start: From, wanted: Filter) -> Steps[None]:
    """Never ends. Each fact once, in order, whatever happens to the connection or to the store."""
    wanted.to_json()  # What is malformed is said before anything is connected.
    yield from session.open()
    done = _processed_before(start, session.head)
    session.begin(done, wanted)
    following = _Following(session, done, wanted)
    pause = 0.1
    while True:
        before = following.done
        try:
            yield State("connected", following.done, session.head)
            yield from following.run()
        except Unreachable as why:
            yield State("reconnecting", following.done, session.head, str(why))
        pause = 0.1 if following.done > before else min(2 * pause, PAUSE_MAX)
        while True:
            yield Pause(pause)
            try:
                yield from session.open()
                break
            except Unreachable as why:
                yield State("reconnecting", following.done, session.head, str(why))
                pause = min(2 * pause, PAUSE_MAX)


def _processed_before(start: From, head: int) -> int:
    match start:
        case "start":
            return 0
        case "end":
            return head
        case FileCursor():
            return start.position
        case int():
            return max(start, 1) - 1
    raise Malformed(f"from_={start!r}: it is 'start', 'end', a position or a FileCursor")


class _Following:
    def __init__(self, session: Session, done: int, wanted: Filter) -> None:
        self.done = done  # processed up to here, skipped facts included
        self._session = session
        self._wanted = wanted

    def run(self) -> Steps[None]:
        session = self._session
        yield Send(
            "cloudevents",
            "FOLLOW",
            "follow",
            {"from": str(self.done + 1), "credit": CREDIT, **self._wanted.to_json()},
        )
        used = 0
        while True:
            message = yield from session.answer("cloudevents", "follow", session.silence)
            position, session.head = int(message.body["position"]), int(message.body["head"])
            if message.verb == "FACTS":
                facts = yield from session.facts(message.payload, self.done, position, self._wanted)
                for fact in facts:
                    yield fact
                    self.done = fact.position
                used += len(facts)
            self.done = max(self.done, position)
            if message.verb in _STATES:
                yield State(_STATES[message.verb], self.done, session.head)
            if (
                used >= CREDIT // 2
            ):  # Only now, so that a slow reader is sent no more than it takes.
                yield Send("cloudevents", "CREDIT", "follow", {"credit": used})
                used = 0


_STATES: dict[str, StateKind] = {
    "CAUGHT_UP": "caught_up",
    "FELL_BEHIND": "fell_behind",
    "BOOKMARK": "bookmark",
    "HEARTBEAT": "heartbeat",
}


def wait(session: Session, start: From, wanted: Filter, seconds: float) -> Steps[Fact]:
    """The first fact that passes the filter."""
    fact = yield from _first(follow(session, start, wanted), time.monotonic() + seconds)
    if fact is not None:
        return fact
    raise WaitedTooLong(
        f"no such fact came within {seconds:g} s: {wanted.to_json()}; "
        f"the log ends at {session.head}"
    )


def _first(steps: Steps[None], end: float = math.inf) -> Steps[Fact | None]:
    """The first fact that comes; None if none does, or not until `end`."""
    reply: Message | None = None
    while True:
        try:
            step = steps.send(reply)
        except StopIteration:
            return None
        if isinstance(step, Fact):
            return step
        left = end - time.monotonic()
        if left <= 0:
            return None
        if isinstance(step, Receive | Pause):
            step = replace(step, seconds=min(step.seconds, left))
        reply = yield step


def entries_from_start(session: Session, size: int) -> Steps[list[Entry]]:
    """All facts of a log of `size` facts, as bytes. Needs every topic."""
    yield from session.open()
    session.begin(0, Filter())
    if size > session.head:
        raise HistoryChanged(
            f"the checkpoint is of {size} facts, this log ends at {session.head}: it was cut, or "
            "the checkpoint is of another log"
        )
    entries = yield from session.entries(0, size, Filter())
    if len(entries) != size:
        raise Refused(
            f"a proof needs every fact, and {size - len(entries)} of {size} are not granted to "
            "this subscriber; let the operator make it: `keytrail log prove`"
        )
    return list(entries.values())


def checked_frames(frames: Sequence[bytes]) -> Message:
    """KT1 | VERB | id | JSON | payload…"""
    if len(frames) < 4 or frames[0] != b"KT1":
        raise Malformed("what answers does not speak KT1; is the address the store's read socket?")
    try:
        body = json.loads(frames[3])
        if not isinstance(body, dict):
            raise ValueError("no object")
        return Message(
            frames[1].decode(), frames[2].decode(), body, frames[4] if len(frames) > 4 else b""
        )
    except ValueError as error:
        raise Malformed(f"the store's answer cannot be read: {error}") from error


def frames_of(step: Send) -> list[bytes]:
    return [b"KT1", step.verb.encode(), step.id.encode(), json.dumps(step.body).encode()]


OnState = Callable[[State], None]
