"""Proofs, checkpoints and cursors: files that must hold, and damaged ones that must not."""

import base64
import hashlib
import os
import tempfile
import unittest
from pathlib import Path

import keytrail
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from keytrail import proof
from keytrail.facts import Entry
from scripted_store import LOG, ScriptedStore, digest

ORIGIN = f"keytrail/{LOG}"
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SIGNER.public_key().public_bytes(
    serialization.Encoding.Raw, serialization.PublicFormat.Raw
)
KEY_ID = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + PUBLIC).digest()[:4]
VKEY = f"{ORIGIN}+{KEY_ID.hex()}+{base64.b64encode(bytes([1]) + PUBLIC).decode()}"


def rfc6962_root(leaves: list[bytes]) -> bytes:
    """As the RFC defines it, splitting."""
    if len(leaves) == 1:
        return leaves[0]
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return proof.node_of(rfc6962_root(leaves[:middle]), rfc6962_root(leaves[middle:]))


def signed(size: int, root: bytes) -> str:
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\ngeneration 1\n"
    blob = base64.b64encode(KEY_ID + SIGNER.sign(text.encode())).decode()
    return f"{text}\n\u2014 {ORIGIN} {blob}\n"


def proof_of(position: int, size: int) -> keytrail.Proof:
    entries = [Entry.parse(entry) for entry in ScriptedStore(size).entries]
    leaves = [entry.leaf for entry in entries]
    note = keytrail.Checkpoint.parse(signed(size, proof.root_of(leaves)))
    return keytrail.Proof(entries[position - 1], proof.path_to(position - 1, leaves), note)


class TreeTest(unittest.TestCase):
    def test_every_leaf_of_every_small_tree_is_proven_and_no_other(self) -> None:
        for size in range(1, 34):
            leaves = [digest(i) for i in range(size)]
            root = proof.root_of(leaves)
            self.assertEqual(root, rfc6962_root(leaves))
            for index in range(size):
                path = proof.path_to(index, leaves)
                self.assertTrue(proof.includes(index, size, leaves[index], path, root))
                self.assertFalse(proof.includes(index, size, digest(99), path, root))
                self.assertFalse(proof.includes(index, size, leaves[index], [*path, root], root))
                if size > 1:
                    self.assertFalse(
                        proof.includes((index + 1) % size, size, leaves[index], path, root)
                    )
                    self.assertFalse(proof.includes(index, size, leaves[index], path[:-1], root))


class ProofTest(unittest.TestCase):
    def test_holds_by_either_form_of_the_key_and_as_a_file(self) -> None:
        made = proof_of(5, 11)
        with tempfile.TemporaryDirectory() as folder:
            made.save(f"{folder}/p")
            read = keytrail.Proof.load(f"{folder}/p")
        self.assertEqual((read.entry, read.checkpoint), (made.entry, made.checkpoint))
        read.verify(PUBLIC.hex())
        read.verify(VKEY)

    def test_every_damaged_character_is_refused(self) -> None:
        text = proof_of(5, 11).text()
        for at, character in enumerate(text):
            damaged = text[:at] + ("B" if character != "B" else "C") + text[at + 1 :]
            with self.subTest(at=at), self.assertRaises((keytrail.Malformed, keytrail.ProofFailed)):
                keytrail.Proof.parse(damaged).verify(VKEY)

    def test_another_logs_key_is_refused(self) -> None:
        other = (
            Ed25519PrivateKey.from_private_bytes(bytes(32))
            .public_key()
            .public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        )
        with self.assertRaisesRegex(keytrail.ProofFailed, "not signed with this key"):
            proof_of(1, 1).verify(other.hex())
        with self.assertRaisesRegex(keytrail.Malformed, "is not a log's key"):
            proof_of(1, 1).verify("no key")


class CursorTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "cursor"

    def test_keeps_position_and_the_last_fact_that_was_seen(self) -> None:
        _, _, fact = ScriptedStore(3).run(
            keytrail.conversation.get(keytrail.conversation.Session(True, 0.0), 2)
        )
        cursor = keytrail.FileCursor(self.path)
        self.assertEqual(cursor.position, 0)
        cursor.log, cursor.generation = LOG, 1
        cursor.save(fact)
        cursor.save(7)  # A bookmark.
        again = keytrail.FileCursor(self.path)
        self.assertEqual((again.position, again.seen_position, again.seen_leaf), (7, 2, fact.leaf))
        self.assertEqual((again.log, again.generation), (LOG, 1))
        self.assertEqual(os.listdir(self.path.parent), ["cursor"])

    def test_what_is_no_cursor_is_told(self) -> None:
        self.path.write_text("{")
        with self.assertRaisesRegex(keytrail.Malformed, "is no cursor; remove it"):
            keytrail.FileCursor(self.path)


if __name__ == "__main__":
    unittest.main()
