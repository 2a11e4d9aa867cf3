"""Says at once when somebody who may not decrypts a VM: alert_on_denied_decrypt.py [ENDPOINTS]"""

import sys

import keytrail

endpoints = sys.argv[1] if len(sys.argv) > 1 else "data/endpoints.json"


def on_state(state: keytrail.State) -> None:
    if state.kind in ("connected", "reconnecting"):
        print(f"{state.kind} at {state.position} {state.why}", file=sys.stderr, flush=True)


with keytrail.connect(endpoints) as log:
    for fact in log.follow(from_="end", types=["vcenter.DecryptionRefused"], on_state=on_state):
        who, where = fact.facets.user or "nobody", fact.facets.address
        print(
            f"ALERT {fact.time:%H:%M:%S} {who} from {where} was denied to decrypt {fact.subject}: "
            f"{fact.data['detail']} (fact {fact.position})",
            flush=True,
        )
