"""Where the log is and who asks: `endpoints.json` of an installation, or the same by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from .errors import Malformed, Unreachable


@dataclass(frozen=True, slots=True)
class Endpoints:
    read: str  # "tcp://127.0.0.1:5692"
    server_key: str  # the store's public CURVE key, Z85
    key_file: str  # of the subscriber: `keytrail subscribers add` writes it
    checkpoint_key: str = ""  # the log's Ed25519 key: 64 hexadecimal digits or a vkey; for proofs
    checkpoint_file: str = ""  # where the log's newest checkpoint lies, if it is on this machine


@dataclass(frozen=True, slots=True)
class KeyPair:
    public: bytes
    secret: bytes = field(repr=False)


def load_endpoints(source: str | PathLike[str] | Endpoints) -> Endpoints:
    if isinstance(source, Endpoints):
        return source
    path = Path(source)
    if path.is_dir():
        path /= "endpoints.json"
    try:
        at = json.loads(path.read_text())
        return Endpoints(
            read=at["log"]["read"],
            server_key=at["log"]["server_key"],
            key_file=at["subscriber"]["key_file"],
            checkpoint_key=at["log"]["checkpoint_key"],
            checkpoint_file=f"{at['data']}/eventstore/checkpoint",
        )
    except FileNotFoundError:
        raise Unreachable(
            f"no installation runs here: there is no {path}; start one with "
            "`keytrail up`, or give connect() the path of its endpoints.json"
        ) from None
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(
            f"{path} is no endpoints.json ({error!r}); `keytrail up` writes it"
        ) from error


def load_keys(path: str) -> KeyPair:
    try:
        keys = json.loads(Path(path).read_text())
        return KeyPair(keys["public"].encode(), keys["secret"].encode())
    except OSError as error:
        raise Unreachable(
            f"the subscriber's key {path} cannot be read: {error.strerror}; "
            "`keytrail subscribers add` makes one"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(
            f"{path} is no subscriber's key; `keytrail subscribers add` makes one"
        ) from error
