"""The log for programs that block. `keytrail.aio` is the same for those that await."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from types import TracebackType
from typing import Any

import zmq

from . import conversation as core
from .cursor import FileCursor
from .endpoints import Endpoints, load_endpoints, load_keys
from .errors import Malformed
from .facts import Fact
from .proof import Proof, prove

BYE_MS = 200  # for what still waits to be sent when a connection is closed
MESSAGE_BYTES_MAX = 4 << 20


def connect(
    endpoints: str | PathLike[str] | Endpoints = "data/endpoints.json",
    *,
    timeout: float | None = 10.0,
    verify: bool = True,
) -> Log:
    """The log of an installation, by its `endpoints.json`, its folder, or Endpoints made by hand.

    Nothing is sent yet: each call has a connection of its own, so calls may be mixed, and reads the
    file again. timeout: seconds in which the store must answer, None: for ever. verify: also get
    each fact's bytes and compute its hash again; without it, hashes are the store's word. Threads:
    a Log may be shared, an iterator may not.
    """
    load_endpoints(endpoints)  # A path that is wrong is said here.
    return Log(endpoints, timeout, verify)


class Log:
    def __init__(
        self, endpoints: str | PathLike[str] | Endpoints, timeout: float | None, verify: bool
    ) -> None:
        self._endpoints = endpoints
        self._timeout = timeout
        self._verify = verify
        self._context = zmq.Context()

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
    ) -> Iterator[Fact]:
        """The facts of (after, until], by default up to the log's end as it is now, that pass the
        filter."""
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
    ) -> Iterator[Fact]:
        """All facts from there on that pass the filter, for ever: each once, in order, across
        reconnects.

        from_: "start", "end" (what comes from now on), the first position that is wanted, or a
        cursor (what comes after it). on_state hears of connects, reconnects, being caught up,
        bookmarks and heartbeats.
        """
        wanted = core.Filter(topics, types, users, keys, vms, hosts, actions, outcomes)
        cursor = from_ if isinstance(from_, FileCursor) else None
        return self._iterate(core.follow(self._session(cursor), from_, wanted), on_state)

    def get(self, position: int) -> Fact:
        """The fact at this position; NotFound if there is none, or none for this subscriber."""
        return self._call(core.get(self._session(), position))

    def wait(
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
        """The first fact that passes the filter, a past one too; WaitedTooLong after `timeout`
        seconds."""
        wanted = core.Filter(topics, types, users, keys, vms, hosts, actions, outcomes)
        return self._call(core.wait(self._session(), from_, wanted, timeout))

    def prove(
        self, position: int, *, checkpoint: str | None = None, key: str | None = None
    ) -> Proof:
        """That the fact stands in the log, as a tlog-proof: checked under a signed checkpoint
        before it is given.

        The store proves nothing over a socket yet, so this reads every fact up to the checkpoint
        and computes the path: it costs what reading them costs, and needs every topic. checkpoint:
        the signed note itself; by default the newest one of an installation on this machine. key:
        the log's, a vkey or 64 hexadecimal digits; by default that of endpoints.json. Needs
        python3-cryptography.
        """
        return self._call(
            prove(self._session(), position, load_endpoints(self._endpoints), checkpoint, key)
        )

    def close(self) -> None:
        """Ends every connection; iterators that are still used raise."""
        self._context.destroy(linger=BYE_MS)

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _session(self, cursor: FileCursor | None = None) -> core.Session:
        return core.Session(self._verify, self._timeout, cursor)

    def _iterate(
        self, steps: core.Steps[None], on_state: core.OnState | None = None
    ) -> Iterator[Fact]:
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
                    reply = link.perform(step)
        finally:
            link.close()

    def _call(self, steps: core.Steps[core.T]) -> core.T:
        link = _Link(self._context, self._endpoints)
        reply: core.Message | None = None
        try:
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration as end:
                    result: core.T = end.value
                    return result
                reply = None if isinstance(step, Fact | core.State) else link.perform(step)
        finally:
            link.close()


class _Link:
    """The sockets of one call."""

    def __init__(
        self, context: zmq.Context[Any], endpoints: str | PathLike[str] | Endpoints
    ) -> None:
        self._context = context
        self._endpoints = endpoints
        self._sockets: dict[core.Form, zmq.Socket[Any]] = {}

    def perform(
        self, step: core.Dial | core.Send | core.Receive | core.Pause
    ) -> core.Message | None:
        match step:
            case core.Dial(form):
                if form in self._sockets:
                    self._sockets.pop(form).close(linger=0)
                self._sockets[form] = dial(self._context, load_endpoints(self._endpoints))
            case core.Send(form):
                send(self._sockets[form].send_multipart, step)
            case core.Receive(form, seconds):
                if self._sockets[form].poll(int(seconds * 1000)):
                    return core.checked_frames(self._sockets[form].recv_multipart())
            case core.Pause(seconds):
                time.sleep(seconds)
        return None

    def close(self) -> None:
        for form, socket in self._sockets.items():
            if not socket.closed:
                send(socket.send_multipart, core.Send(form, "BYE", "bye", {}))
                socket.close(linger=BYE_MS)


def dial(context: zmq.Context[Any], at: Endpoints) -> Any:
    """A socket that connects once: a connection that was lost has lost its session too."""
    keys = load_keys(at.key_file)
    socket = context.socket(zmq.DEALER)
    try:
        socket.curve_serverkey = at.server_key.encode()
        socket.curve_publickey, socket.curve_secretkey = keys.public, keys.secret
        socket.setsockopt(zmq.RECONNECT_IVL, -1)
        socket.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
        socket.connect(at.read)
    except (zmq.ZMQError, ValueError, TypeError) as error:
        socket.close(linger=0)
        raise Malformed(
            f"cannot connect to {at.read} as {at.key_file}: {error}; compare with endpoints.json "
            "of the installation"
        ) from error
    return socket


def send(send_multipart: Callable[..., Any], step: core.Send) -> None:
    """Does not wait: on a connection that is gone the answer will not come, and that is noticed."""
    try:
        send_multipart(core.frames_of(step), flags=zmq.NOBLOCK)
    except zmq.Again:
        pass
