"""A store in memory at the other end of the SDK's steps: what it says, when it falls silent, is a
test's to choose."""

from __future__ import annotations

import hashlib
import json
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from keytrail import conversation as core
from keytrail.facts import Fact, first_previous, leaf_of

LOG = "00112233445566778899aabbccddeeff"


def stamped(position: int, previous: bytes, body: bytes) -> bytes:
    author = b"kms/kms-1".ljust(32, b"\0")
    return (
        struct.pack("<6Q", position, position * 1000, 1, position, 1, 0) + author + previous + body
    )


class ScriptedStore:
    """`run` drives a call of the SDK: performs its steps, collects facts and states."""

    def __init__(self, facts: int) -> None:
        self.entries: list[bytes] = []
        self.log, self.generation = LOG, 1
        self.topics = sorted(core.FACT_TOPICS)
        self.answer_facts = 3  # in one answer at most
        self.sent: list[core.Send] = []
        self.dials = 0
        self.silent: Callable[[core.Send], bool] = lambda send: False  # True: never answered
        self._queues: dict[str, deque[core.Message]] = {}
        self.grow(facts)

    def grow(self, facts: int) -> None:
        for _ in range(facts):
            position = len(self.entries) + 1
            previous = leaf_of(self.entries[-1]) if self.entries else first_previous(self.log)
            self.entries.append(stamped(position, previous, b"body%d" % position))

    def event(self, position: int) -> dict[str, Any]:
        entry = self.entries[position - 1]
        return {
            "id": str(position),
            "source": "//keytrail/test/kms/kms-1",
            "type": "keytrail.kms.KeyReleased",
            "subject": "key/k",
            "time": "2026-01-02T03:04:05.123456789Z",
            "correlationid": "0" * 32,
            "severitytext": "info",
            "ktstream": "kms/c/object/k",
            "kteffect": "note",
            "ktprevious": entry[80:112].hex(),
            "ktleaf": leaf_of(entry).hex(),
            "data": {},
        }

    def run(
        self, steps: core.Steps[Any], until: int = 1 << 60
    ) -> tuple[list[int], list[core.State], Any]:
        """Up to `until` facts, or to the end of the call: positions, states, result."""
        facts: list[int] = []
        states: list[core.State] = []
        reply: core.Message | None = None
        while len(facts) < until:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                return facts, states, end.value
            reply = None
            match step:
                case Fact():
                    facts.append(step.position)
                case core.State():
                    states.append(step)
                case core.Dial(form):
                    self.dials += 1
                    self._queues[form] = deque()
                case core.Send():
                    self.sent.append(step)
                    if not self.silent(step):
                        self._queues[step.form].extend(self._answers(step))
                case core.Receive(form):
                    reply = self._queues[form].popleft() if self._queues[form] else None
        return facts, states, None

    def _answers(self, send: core.Send) -> list[core.Message]:
        match send.verb:
            case "HELLO":
                return [
                    self._message(
                        send,
                        "WELCOME",
                        log=self.log,
                        generation=str(self.generation),
                        first="1",
                        head=str(len(self.entries)),
                        topics=self.topics,
                        heartbeat_ms=500,
                    )
                ]
            case "READ":
                after, until = int(send.body["after"]), int(send.body["until"])
                until = min(until, after + self.answer_facts)
                return [
                    self._facts(send, after, until),
                    self._message(send, "END", position=str(until)),
                ]
            case "FOLLOW":
                first, head = int(send.body["from"]), len(self.entries)
                answers = [
                    self._facts(send, after, min(after + self.answer_facts, head))
                    for after in range(first - 1, head, self.answer_facts)
                ]
                return answers + [
                    self._message(send, "CAUGHT_UP", position=str(head), head=str(head))
                ]
        return []

    def _facts(self, send: core.Send, after: int, until: int) -> core.Message:
        if send.form == "cloudevents":
            lines = [json.dumps(self.event(position)) for position in range(after + 1, until + 1)]
            payload = "\n".join(lines).encode()
        else:
            payload = b"".join(
                struct.pack("<II", len(entry), 0) + entry for entry in self.entries[after:until]
            )
        return self._message(
            send, "FACTS", payload, position=str(until), head=str(len(self.entries))
        )

    def _message(
        self, send: core.Send, verb: str, payload: bytes = b"", **body: Any
    ) -> core.Message:
        return core.Message(verb, send.id, body, payload)


def digest(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()
