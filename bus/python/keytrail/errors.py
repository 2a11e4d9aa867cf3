"""What can go wrong, by what a caller does about it. Each says what happened, to what, and what to
do."""


class KeytrailError(Exception):
    """Anything of this package."""


class Unreachable(KeytrailError):
    """The event store did not answer, or is too busy: try again later."""


class Refused(KeytrailError):
    """The event store knows who asks, and says no: ask its operator for the grant."""


class Malformed(KeytrailError, ValueError):
    """What was asked makes no sense: a facet or topic that there is not, a file that is none."""


class NotFound(KeytrailError, LookupError):
    """The fact is not there, or not for this subscriber."""


class WaitedTooLong(KeytrailError, TimeoutError):
    """What was waited for did not happen in time."""


class ChainBroken(KeytrailError):
    """A fact is not the one whose hash stands in the log. Stop, keep what you have, tell the
    operator."""


class HistoryChanged(KeytrailError):
    """This is not the log that was followed before: another one, an older copy, or rewritten."""


class ProofFailed(KeytrailError):
    """The proof does not hold; or who signed it cannot be told."""


def from_store(code: str, message: str, hint: str) -> KeytrailError:
    """The store's ERROR as an exception."""
    kind = {
        "unauthorized": Refused,
        "forbidden": Refused,
        "malformed": Malformed,
        "head-went-back": HistoryChanged,
        "unknown-log": HistoryChanged,
    }.get(code, Unreachable)
    return kind(f"the event store answers '{code}': {message}" + (f"; {hint}" if hint else ""))
