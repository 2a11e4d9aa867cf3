"""The SDK's conversation with a store that is a script: resumption, credit, and what it refuses to
believe."""

import unittest

import keytrail
from keytrail import conversation as core
from scripted_store import ScriptedStore


def session(verify: bool = True) -> core.Session:
    return core.Session(verify=verify, timeout=0.0)


class ConversationTest(unittest.TestCase):
    def test_reads_every_fact_once_in_order(self) -> None:
        for verify in (True, False):
            facts, _, _ = ScriptedStore(10).run(core.read(session(verify), 0, None, core.Filter()))
            self.assertEqual(facts, list(range(1, 11)))

    def test_reads_a_range(self) -> None:
        facts, _, _ = ScriptedStore(10).run(core.read(session(), 4, 7, core.Filter()))
        self.assertEqual(facts, [5, 6, 7])

    def test_gets_a_fact_with_the_bytes_that_are_hashed(self) -> None:
        store = ScriptedStore(5)
        _, _, fact = store.run(core.get(session(), 3))
        self.assertEqual((fact.position, fact.entry), (3, store.entries[2]))
        with self.assertRaisesRegex(keytrail.NotFound, "the log ends at 5"):
            store.run(core.get(session(), 6))

    def test_follows_on_after_silence_without_loss_or_repetition(self) -> None:
        store = ScriptedStore(10)
        reads = 0

        def silent(send: core.Send) -> bool:  # The connection is lost between two batches.
            nonlocal reads
            reads += send.verb == "READ"
            return send.verb == "READ" and reads == 3

        store.silent = silent
        facts, states, _ = store.run(core.follow(session(), "start", core.Filter()), until=10)
        self.assertEqual(facts, list(range(1, 11)))
        self.assertEqual(
            [state.kind for state in states], ["connected", "reconnecting", "connected"]
        )
        follows = [send.body["from"] for send in store.sent if send.verb == "FOLLOW"]
        self.assertEqual(follows, ["1", "7"])

    def test_comes_back_to_the_end_that_it_began_at(self) -> None:
        store = ScriptedStore(4)
        steps = core.follow(session(), "end", core.Filter())

        def silent(send: core.Send) -> bool:  # The log grows before the first FOLLOW is answered.
            if send.verb != "FOLLOW" or len(store.entries) > 4:
                return False
            store.grow(3)
            return True

        store.silent = silent
        facts, _, _ = store.run(steps, until=3)
        self.assertEqual(facts, [5, 6, 7])

    def test_grants_credit_for_what_was_processed(self) -> None:
        store = ScriptedStore(core.CREDIT)
        store.answer_facts = 100
        store.run(core.follow(session(), "start", core.Filter()), until=core.CREDIT)
        granted = [send.body["credit"] for send in store.sent if send.verb == "CREDIT"]
        self.assertEqual(granted, [2100])  # Once half is used up; the rest is not processed yet.

    def test_says_which_history_it_knows_when_it_comes_back(self) -> None:
        store = ScriptedStore(3)
        steps = core.follow(session(), "start", core.Filter())
        store.run(steps, until=3)
        store.generation = 0  # An older copy of the log comes up instead.
        with self.assertRaisesRegex(keytrail.HistoryChanged, "generation 0"):
            store.run(steps, until=4)
        hello = [send.body for send in store.sent if send.verb == "HELLO"][-1]
        self.assertEqual(hello["position"], "3")
        self.assertEqual(bytes.fromhex(hello["leaf"]), keytrail.Entry.parse(store.entries[2]).leaf)

    def test_gives_up_when_nobody_answers(self) -> None:
        store = ScriptedStore(1)
        store.silent = lambda send: True
        with self.assertRaisesRegex(keytrail.Unreachable, "does the event store run"):
            store.run(core.read(session(), 0, None, core.Filter()))

    def test_waits_for_so_long_and_no_longer(self) -> None:
        with self.assertRaisesRegex(keytrail.WaitedTooLong, "no such fact"):
            ScriptedStore(0).run(core.wait(session(), "start", core.Filter(types=["X"]), 0.0))

    def test_a_text_instead_of_a_list_is_told(self) -> None:
        with self.assertRaisesRegex(keytrail.Malformed, r"write types=\['X'\]"):
            ScriptedStore(0).run(core.follow(session(), "start", core.Filter(types="X")))


class DisbeliefTest(unittest.TestCase):
    """Each lie of a store must be caught; the truth beside it is in ConversationTest."""

    def broken(self, store: ScriptedStore, sentence: str) -> None:
        with self.assertRaisesRegex(keytrail.ChainBroken, sentence):
            store.run(core.read(session(), 0, None, core.Filter()))

    def test_bytes_that_were_altered(self) -> None:
        for position in (1, 5, 9):
            store = ScriptedStore(9)
            told = [store.event(i + 1) for i in range(9)]
            store.event = lambda i: told[i - 1]  # type: ignore[assignment]
            entry = store.entries[position - 1]
            store.entries[position - 1] = entry[:-1] + bytes([entry[-1] ^ 1])
            self.broken(store, f"{position}|{position + 1}")

    def test_a_fact_that_was_rewritten_with_its_hash(self) -> None:
        store = ScriptedStore(9)
        store.entries[4] = store.entries[4] + b"more"
        self.broken(store, "the fact at 6 does not follow")

    def test_the_first_fact_of_another_log(self) -> None:
        store = ScriptedStore(3)
        store.log = "ff" * 16
        self.broken(store, "the fact at 1 does not follow")

    def test_json_of_another_fact(self) -> None:
        store = ScriptedStore(3)
        honest = store.event
        store.event = lambda i: honest(i) | {"ktleaf": "00" * 32}  # type: ignore[assignment]
        self.broken(store, "the bytes of the fact at 1")

    def test_a_fact_that_was_left_out(self) -> None:
        store = ScriptedStore(9)
        honest = store._facts

        def without_five(send: core.Send, after: int, until: int) -> core.Message:
            return honest(send, 5, until) if after < 5 <= until else honest(send, after, until)

        store._facts = without_five  # type: ignore[assignment]
        self.broken(store, "positions 4 to 5 were left out")

    def test_facts_left_out_by_a_grant_are_none(self) -> None:
        store = ScriptedStore(9)
        store.topics = ["kms.note"]
        honest = store._facts

        def all_but_first(send: core.Send, after: int, until: int) -> core.Message:
            return honest(send, after + 1, until)

        store._facts = all_but_first  # type: ignore[assignment]
        facts, _, _ = store.run(core.read(session(), 0, None, core.Filter()))
        self.assertEqual(facts, [2, 3, 5, 6, 8, 9])


if __name__ == "__main__":
    unittest.main()
