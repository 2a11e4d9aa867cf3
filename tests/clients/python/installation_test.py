"""The SDK and its examples against the program itself, with real kills."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any

import keytrail
import keytrail.aio
import zmq
from keytrail.testing import Failed, Installation, wait_until

EXAMPLES = Path(keytrail.__file__).resolve().parents[1] / "examples"


class Example:
    """One of bus/python/examples as a process; killed when the test is over."""

    def __init__(self, test: InstallationTest, name: str, *arguments: Any) -> None:
        self._output = Path(test.folder) / f"{name}.{secrets.token_hex(4)}"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-B", EXAMPLES / f"{name}.py", *map(str, arguments)],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        test.addCleanup(self.kill)

    @property
    def said(self) -> str:
        return self._output.read_text()

    def says(self, text: str, within: float = 30.0) -> None:
        wait_until(lambda: text in self.said, within, f"'{text}' in: {self.said}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class InstallationTest(unittest.TestCase):
    installation: Installation
    folder: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.installation = cls.enterClassContext(Installation())
        cls.installation.add_provider()
        for vm in ("vm-1", "vm-2"):
            cls.installation.run("vm", "create", vm, "--host", "host-1", "--size", "1M")

    def setUp(self) -> None:
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.endpoints = self.installation.endpoints

    def add_user(self, name: str) -> Path:
        password = Path(self.folder) / f"{name}.password"
        password.write_text(secrets.token_urlsafe(16))
        self.installation.run("user", "add", f"{name}@vsphere.local", "--password-file", password)
        return password

    def whole_log(self) -> list[keytrail.Fact]:
        with self.installation.connect() as log:
            return list(log.read())

    # --- the calls --------------------------------------------------------------------------------

    def test_read_gives_the_whole_log_chained(self) -> None:
        facts = self.whole_log()
        self.assertEqual([fact.position for fact in facts], list(range(1, len(facts) + 1)))
        self.assertEqual([fact.previous for fact in facts[1:]], [fact.leaf for fact in facts[:-1]])
        self.assertIn("vcenter.VmCreated", {fact.type for fact in facts})

    def test_the_store_filters(self) -> None:
        with self.installation.connect() as log:
            created = list(log.read(types=["vcenter.VmCreated"], vms=["vm-1"]))
            self.assertEqual([fact.subject for fact in created], ["vm/vm-1"])
            notes = list(log.read(topics=["kms.note"]))
            self.assertTrue(notes)
            self.assertFalse(
                [fact for fact in notes if fact.facets.is_change or fact.facets.part != "kms"]
            )
            self.assertEqual(log.get(created[0].position), created[0])
            with self.assertRaisesRegex(keytrail.Malformed, "there is no topic"):
                list(log.read(topics=["kms.nothing"]))

    def test_awaiting_gives_the_same(self) -> None:
        async def read() -> tuple[list[keytrail.Fact], keytrail.Fact, list[int]]:
            async with keytrail.aio.connect(self.endpoints) as log:
                facts = [fact async for fact in log.read(until=20)]
                first = await log.wait(types=["vcenter.VmCreated"], timeout=10)
                (await log.prove(3)).verify(
                    json.loads(self.endpoints.read_text())["log"]["checkpoint_key"]
                )
                followed: list[int] = []
                async for fact in log.follow(from_=5):
                    followed.append(fact.position)
                    if fact.position == 20:
                        break
                return facts, first, followed

        facts, first, followed = asyncio.run(read())
        self.assertEqual(facts, self.whole_log()[:20])
        self.assertEqual(first.subject, "vm/vm-1")
        self.assertEqual(followed, list(range(5, 21)))

    def test_a_wrong_key_is_told_and_not_waited_for_for_ever(self) -> None:
        at = json.loads(self.endpoints.read_text())
        key = Path(self.folder) / "stranger.key"
        public, secret = zmq.curve_keypair()
        key.write_text(json.dumps({"public": public.decode(), "secret": secret.decode()}))
        stranger = keytrail.Endpoints(at["log"]["read"], at["log"]["server_key"], str(key))
        with keytrail.connect(stranger, timeout=1) as log, self.assertRaisesRegex(
            keytrail.Unreachable, "is this subscriber's key admitted"
        ):
            log.get(1)

    def test_a_subscriber_sees_what_it_was_granted(self) -> None:
        at = json.loads(self.endpoints.read_text())
        key = Path(self.folder) / "few.key"
        self.installation.run(
            "subscribers", "add", "siem/few", "--topics", "kms.note", "--key-file", key
        )
        few = keytrail.Endpoints(
            at["log"]["read"],
            at["log"]["server_key"],
            str(key),
            at["log"]["checkpoint_key"],
            str(self.installation.data / "eventstore" / "checkpoint"),
        )
        with keytrail.connect(few) as log:
            self.assertEqual({fact.facets.part for fact in log.read()}, {"kms"})
            with self.assertRaisesRegex(keytrail.Refused, "keytrail log prove"):
                log.prove(1)

    # --- proofs -----------------------------------------------------------------------------------

    def test_proofs_check_in_both_directions(self) -> None:
        key = json.loads(self.endpoints.read_text())["log"]["checkpoint_key"]
        ours, theirs = Path(self.folder) / "ours", Path(self.folder) / "theirs"
        with self.installation.connect() as log:
            log.prove(7).save(ours)
        self.assertTrue(self.installation.run("log", "check", ours)["holds"])
        self.installation.run("log", "prove", "7", "-o", theirs)
        keytrail.Proof.load(theirs).verify(key)
        self.assertEqual(keytrail.Proof.load(theirs).entry, keytrail.Proof.load(ours).entry)

    # --- the examples -----------------------------------------------------------------------------

    def test_example_alerts_on_a_denied_decrypt(self) -> None:
        alert = Example(self, "alert_on_denied_decrypt", self.endpoints)
        alert.says("connected")
        password = self.add_user("mallory")
        with self.assertRaises(Failed):
            self.installation.run(
                "--user",
                "mallory@vsphere.local",
                "--password-file",
                password,
                "vm",
                "decrypt",
                "vm-1",
            )
        alert.says("mallory@vsphere.local from 127.0.0.1 was denied to decrypt vm/vm-1")
        self.installation.kill("eventstore")
        alert.says("reconnecting")
        with self.assertRaises(Failed):
            self.installation.run(
                "--user",
                "mallory@vsphere.local",
                "--password-file",
                password,
                "vm",
                "decrypt",
                "vm-2",
            )
        alert.says("was denied to decrypt vm/vm-2")
        self.assertEqual(alert.said.count("ALERT"), 2, alert.said)

    def test_example_waits_for_an_action_to_end(self) -> None:
        encrypting = threading.Thread(target=self.installation.run, args=("vm", "encrypt", "vm-2"))
        encrypting.start()
        self.addCleanup(encrypting.join)
        with self.installation.connect() as log:
            action = log.wait(
                types=["vcenter.EncryptionRequested"], vms=["vm-2"], timeout=30
            ).facets.action
        waiting = Example(self, "wait_for_action", action, 60, self.endpoints)
        self.assertEqual(waiting.process.wait(90), 0, waiting.said)
        self.assertIn("vcenter.EncryptionCompleted vm/vm-2", waiting.said)
        never = Example(self, "wait_for_action", "f" * 32, 0.5, self.endpoints)
        self.assertEqual(never.process.wait(60), 3, never.said)

    def test_example_copies_through_kills_of_both_sides(self) -> None:
        copy = Path(self.folder) / "copy.jsonl"
        stop = threading.Event()

        def load() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    self.add_user(f"user-{number}")
                except Failed:
                    pass  # The store was killed just then.

        def lines() -> int:
            return copy.read_bytes().count(b"\n") if copy.exists() else 0

        writing = threading.Thread(target=load)
        writing.start()
        self.addCleanup(writing.join)
        self.addCleanup(stop.set)
        for round_ in range(8):
            before = lines()
            copier = Example(self, "copy_to_file", copy, self.endpoints)
            wait_until(lambda: lines() > before + 3, 60, f"the copy to go on: {copier.said}")
            if round_ % 2 == 1:
                self.installation.kill("eventstore")
                after = lines()
                wait_until(lambda: lines() > after, 60, f"the copy to go on: {copier.said}")
            copier.kill()  # In the middle of whatever it does.
        stop.set()
        writing.join()
        end = len(self.whole_log())
        copier = Example(self, "copy_to_file", copy, self.endpoints)
        cursor = Path(f"{copy}.cursor")
        wait_until(
            lambda: keytrail.FileCursor(cursor).position >= end,
            60,
            f"position {end}: {copier.said}",
        )
        copier.kill()
        self.check_copy(copy)

    def check_copy(self, copy: Path) -> None:
        """Nothing lost, in order, and nothing twice once each position is taken once."""
        copied = [json.loads(line) for line in copy.read_bytes().splitlines()]
        positions = [line["position"] for line in copied]
        self.assertEqual(positions, sorted(positions))
        once = {line["position"]: line["leaf"] for line in copied}
        whole = {fact.position: fact.leaf.hex() for fact in self.whole_log()}
        self.assertEqual(list(once.items()), list(whole.items())[: len(once)])
        print(f"copied {len(once)} facts, {len(copied) - len(once)} of them twice", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
