"""The log for programs that await: `keytrail.aio.connect(…)`, then as in `keytrail`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from os import PathLike
from types import TracebackType
from typing import Any

import zmq
import zmq.asyncio

from . import conversation as core
from .cursor import FileCursor
from .endpoints import Endpoints, load_endpoints
from .facts import Fact
from .plain import BYE_MS, dial, send
from .proof import Proof, prove


def connect(
    endpoints: str | PathLike[str] | Endpoints = "data/endpoints.json",
    *,
    timeout: float | None = 10.0,
    verify: bool = True,
) -> Log:
    """As `keytrail.connect`."""
    load_endpoints(endpoints)
    return Log(endpoints, timeout, verify)


class Log:
    """As `keytrail.Log`; for the tasks of one event loop."""

    def __init__(
        self, endpoints: str | PathLike[str] | Endpoints, timeout: float | None, verify: bool
    ) -> None:
        self._endpoints = endpoints
        self._timeout = timeout
        self._verify = verify
        self._context = zmq.asyncio.Context()

    def read(
        self,
        *,
        after: int = 0,
        until: int | None = None,
        topics: Sequence[str] = (),
        types: Sequence[str] = (),
        users: Sequence[str] = (),
        keys: Sequence[str] = (),
        vms: Sequence[str] = (),
        hosts: Sequence[str] = (),
        actions: Sequence[str] = (),
        outcomes: Sequence[str] = (),
    ) -> AsyncIterator[Fact]:
        wanted = core.Filter(topics, types, users, keys, vms, hosts, actions, outcomes)
        return self._iterate(core.read(self._session(), after, until, wanted))

    def follow(
        self,
        *,
        from_: core.From = "start",
        on_state: core.OnState | None = None,
        topics: Sequence[str] = (),
        types: Sequence[str] = (),
        users: Sequence[str] = (),
        keys: Sequence[str] = (),
        vms: Sequence[str] = (),
        hosts: Sequence[str] = (),
        actions: Sequence[str] = (),
        outcomes: Sequence[str] = (),
    ) -> AsyncIterator[Fact]:
        wanted = core.Filter(topics, types, users, keys, vms, hosts, actions, outcomes)
        cursor = from_ if isinstance(from_, FileCursor) else None
        return self._iterate(core.follow(self._session(cursor), from_, wanted), on_state)

    async def get(self, position: int) -> Fact:
        return await self._call(core.get(self._session(), position))

    async def wait(
        self,
        *,
        timeout: float,
        from_: core.From = "start",
        topics: Sequence[str] = (),
        types: Sequence[str] = (),
        users: Sequence[str] = (),
        keys: Sequence[str] = (),
        vms: Sequence[str] = (),
        hosts: Sequence[str] = (),
        actions: Sequence[str] = (),
        outcomes: Sequence[str] = (),
    ) -> Fact:
        wanted = core.Filter(topics, types, users, keys, vms, hosts, actions, outcomes)
        return await self._call(core.wait(self._session(), from_, wanted, timeout))

    async def prove(
        self, position: int, *, checkpoint: str | None = None, key: str | None = None
    ) -> Proof:
        return await self._call(
            prove(self._session(), position, load_endpoints(self._endpoints), checkpoint, key)
        )

    def close(self) -> None:
        self._context.destroy(linger=BYE_MS)

    async def __aenter__(self) -> Log:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _session(self, cursor: FileCursor | None = None) -> core.Session:
        return core.Session(self._verify, self._timeout, cursor)

    async def _iterate(
        self, steps: core.Steps[None], on_state: core.OnState | None = None
    ) -> AsyncIterator[Fact]:
        link = _Link(self._context, self._endpoints)
        reply: core.Message | None = None
        try:
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration:
                    return
                reply = None
                if isinstance(step, Fact):
                    yield step
                elif isinstance(step, core.State):
                    if on_state is not None:
                        on_state(step)
                else:
                    reply = await link.perform(step)
        finally:
            link.close()

    async def _call(self, steps: core.Steps[core.T]) -> core.T:
        link = _Link(self._context, self._endpoints)
        reply: core.Message | None = None
        try:
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration as end:
                    result: core.T = end.value
                    return result
                reply = None if isinstance(step, Fact | core.State) else await link.perform(step)
        finally:
            link.close()


class _Link:
    """The sockets of one call."""

    def __init__(
        self, context: zmq.asyncio.Context, endpoints: str | PathLike[str] | Endpoints
    ) -> None:
        self._context = context
        self._endpoints = endpoints
        self._sockets: dict[core.Form, Any] = {}

    async def perform(
        self, step: core.Dial | core.Send | core.Receive | core.Pause
    ) -> core.Message | None:
        match step:
            case core.Dial(form):
                if form in self._sockets:
                    self._sockets.pop(form).close(linger=0)
                self._sockets[form] = dial(self._context, load_endpoints(self._endpoints))
            case core.Send(form):
                await self._send(form, step)
            case core.Receive(form, seconds):
                if await self._sockets[form].poll(int(seconds * 1000)):
                    return core.checked_frames(await self._sockets[form].recv_multipart())
            case core.Pause(seconds):
                await asyncio.sleep(seconds)
        return None

    async def _send(self, form: core.Form, step: core.Send) -> None:
        try:
            await self._sockets[form].send_multipart(core.frames_of(step), flags=zmq.NOBLOCK)
        except zmq.Again:
            pass  # The connection is gone; the answer will not come, and that is noticed.

    def close(self) -> None:
        for form, socket in self._sockets.items():
            if not socket.closed:
                blocking: zmq.Socket[Any] = zmq.Socket.shadow(
                    socket.underlying
                )  # Here nothing can be awaited.
                send(blocking.send_multipart, core.Send(form, "BYE", "bye", {}))
                socket.close(linger=BYE_MS)
