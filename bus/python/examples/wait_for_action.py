"""Waits until an action on a VM has ended: wait_for_action.py ACTION [SECONDS [ENDPOINTS]]

ACTION is what `keytrail vm encrypt … --json` and its like print. Exit code 0: completed, 1: refused
or expired, 3: not ended in time.
"""

import sys

import keytrail

action = sys.argv[1]
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
endpoints = sys.argv[3] if len(sys.argv) > 3 else "data/endpoints.json"

with keytrail.connect(endpoints) as log:
    try:
        end = log.wait(actions=[action], types=keytrail.ACTION_ENDS, timeout=seconds)
    except keytrail.WaitedTooLong as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    print(f"{end.type} {end.subject} at {end.position} {end.data.get('detail', '')}".rstrip())
    sys.exit(0 if end.type.endswith(("Completed", "VmCreated")) else 1)
