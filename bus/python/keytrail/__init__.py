"""Subscribe to a Keytrail log.

    with keytrail.connect("data/endpoints.json") as log:
        for fact in log.follow(from_="end", types=["kms.KeyReleased"]):
            print(fact.position, fact.time, fact.subject, fact.facets.user)

`keytrail.aio` is the same to await; `keytrail.testing` starts the real program.
"""

from .conversation import State
from .cursor import FileCursor
from .endpoints import Endpoints
from .errors import (
    ChainBroken,
    HistoryChanged,
    KeytrailError,
    Malformed,
    NotFound,
    ProofFailed,
    Refused,
    Unreachable,
    WaitedTooLong,
)
from .facts import Entry, Facets, Fact
from .plain import Log, connect
from .proof import Checkpoint, Proof

# The facts of which one ends an action on a VM.
ACTION_ENDS = tuple(
    "vcenter." + name
    for name in (
        "VmCreated",
        "VmCreationRefused",
        "EncryptionCompleted",
        "EncryptionRefused",
        "DecryptionCompleted",
        "DecryptionRefused",
        "RecryptCompleted",
        "RecryptRefused",
        "PowerCompleted",
        "PowerRefused",
        "UnlockCompleted",
        "UnlockRefused",
        "OrderExpired",
    )
)

__all__ = [
    "ACTION_ENDS",
    "ChainBroken",
    "Checkpoint",
    "Endpoints",
    "Entry",
    "Facets",
    "Fact",
    "FileCursor",
    "HistoryChanged",
    "KeytrailError",
    "Log",
    "Malformed",
    "NotFound",
    "Proof",
    "ProofFailed",
    "Refused",
    "State",
    "Unreachable",
    "WaitedTooLong",
    "connect",
]
