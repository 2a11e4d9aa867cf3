"""A real installation for tests: the program itself, in a folder of its own, on free ports of
loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import KeytrailError, Unreachable
from .plain import Log, connect

_UP = "up; the data are in "
_PORTS = 90  # of one installation; all below those that the kernel gives to clients
_FIRST_PORT, _LAST_PORT = 10_000, 31_000


class Failed(KeytrailError):
    """A command of the program ended with another code than 0."""

    def __init__(self, command: str, code: int, said: str) -> None:
        super().__init__(f"`keytrail {command}` ended with {code}: {said.strip()}")
        self.code = code


class Installation:
    """
    with keytrail.testing.Installation() as installation:
        installation.run("user", "add", …)          # as a user would; JSON comes back
        for fact in installation.connect().read(): …

    program: by default $KEYTRAIL, else `keytrail` of the path. Nothing outlives the `with`.
    """

    def __init__(
        self,
        program: str | None = None,
        *,
        replicas: int = 1,
        hosts: int = 1,
        start_within: float = 60.0,
    ) -> None:
        found = program or os.environ.get("KEYTRAIL") or shutil.which("keytrail")
        if not found:
            raise Unreachable(
                "there is no program keytrail: build it with `./run build`, and name it with "
                "program=… or in $KEYTRAIL"
            )
        self.program = os.path.abspath(found)
        self._shape = ["--replicas", str(replicas), "--hosts", str(hosts)]
        self._within = start_within
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._up: subprocess.Popen[bytes] | None = None
        self.data = Path()

    def __enter__(self) -> Installation:
        self._folder = tempfile.TemporaryDirectory(prefix="keytrail-")
        self.data = Path(self._folder.name) / "data"
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def endpoints(self) -> Path:
        return self.data / "endpoints.json"

    def connect(self, **options: Any) -> Log:
        return connect(self.endpoints, **options)

    def run(self, *arguments: str | os.PathLike[str], within: float = 120.0) -> Any:
        """`keytrail --data … --json ARGUMENT…`; what it printed. Failed if it ended otherwise."""
        done = subprocess.run(
            [self.program, "--data", self.data, "--json", *arguments],
            capture_output=True,
            timeout=within,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Failed(" ".join(map(str, arguments)), done.returncode, done.stderr or done.stdout)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def add_provider(self, name: str = "prod") -> None:
        """The replicas as a key provider that vCenter trusts."""
        servers: list[str] = []
        for replica in json.loads(self.endpoints.read_text())["kms"]:
            servers += ["--server", f"{replica['name']}={replica['address']}:{replica['port']}"]
        self.run("provider", "add", name, *servers, "--enrol")

    def pid_of(self, part: str) -> int:
        """Of "eventstore", "vc-1", "kms-1", "host-1"; 0: it does not run."""
        at = json.loads(self.endpoints.read_text())
        parts = {"eventstore": at["eventstore"]["pid"], at["vcenter"]["name"]: at["vcenter"]["pid"]}
        parts |= {one["name"]: one["pid"] for one in at["kms"] + at["hosts"]}
        return int(parts[part])

    def kill(self, part: str, within: float = 30.0) -> None:
        """SIGKILL, and waits until its supervisor has started it again."""
        pid = self.pid_of(part)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.pid_of(part) not in (0, pid), within, f"{part} to be started again")

    def _start(self) -> None:
        said = self.data.with_name("up.log")
        with said.open("wb") as output:
            self._up = up = subprocess.Popen(
                [
                    *_dying_with_us(),
                    self.program,
                    "--data",
                    self.data,
                    "up",
                    "--port-base",
                    str(_free_ports()),
                    *self._shape,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(
            lambda: up.poll() is not None or (_UP in said.read_text() and self.endpoints.exists()),
            self._within,
            f"`keytrail up`: {said.read_text()}",
        )
        if up.poll() is not None:
            raise Failed("up", up.returncode, said.read_text())

    def _stop(self) -> None:
        if self._up is not None and self._up.poll() is None:
            self._up.send_signal(
                signal.SIGTERM
            )  # It stops its parts, which die with it in any case.
            try:
                self._up.wait(40)
            except subprocess.TimeoutExpired:
                self._up.kill()
                self._up.wait()
        if self._folder is not None:
            self._folder.cleanup()


def wait_until(holds: Callable[[], bool], within: float, what: str) -> None:
    """Asks every few milliseconds; Unreachable if it does not come true."""
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            raise Unreachable(f"waited {within:g} s in vain for {what}")
        time.sleep(0.02)


def _dying_with_us() -> list[str]:
    """So that a killed test leaves nothing behind. To Linux the thread is the parent."""
    is_main = threading.current_thread() is threading.main_thread()
    setpriv = shutil.which("setpriv") if is_main else None
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _free_ports() -> int:
    """The first of a free range; those who ask at the same time begin to look in different
    places."""
    bases = range(_FIRST_PORT, _LAST_PORT, _PORTS)
    for i in range(len(bases)):
        base = bases[(os.getpid() * 7 + i) % len(bases)]
        if all(_is_free(port) for port in range(base, base + _PORTS)):
            return base
    raise Unreachable(f"no {_PORTS} free ports in a row between {_FIRST_PORT} and {_LAST_PORT}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
