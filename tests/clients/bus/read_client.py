"""A third party on the read socket: read_client.py READ SERVER_KEY KEY_FILE [FILTER_JSON]

Follows from the start as CloudEvents until caught up; prints each as a line. Gives up after 30 s.
"""
import json
import sys
import time

import zmq

read, server_key, key_file, *rest = sys.argv[1:]
keys = json.load(open(key_file))
socket = zmq.Context().socket(zmq.DEALER)
socket.curve_serverkey = server_key.encode()
socket.curve_publickey, socket.curve_secretkey = keys["public"].encode(), keys["secret"].encode()
socket.rcvtimeo = 10_000
socket.connect(read)


def ask(verb, request, **body):
    socket.send_multipart([b"KT1", verb, request, json.dumps(body).encode()])


ask(b"HELLO", b"1", form="cloudevents")
protocol, verb, request, body, *payload = socket.recv_multipart()
assert (protocol, verb) == (b"KT1", b"WELCOME"), (verb, body)
ask(b"FOLLOW", b"2", credit=1000, **{"from": "start", "filter": json.loads(rest[0]) if rest else {}})
end = time.monotonic() + 30  # Heartbeats arrive for ever.
while True:
    assert time.monotonic() < end, "it never caught up"
    protocol, verb, request, body, *payload = socket.recv_multipart()
    if verb == b"FACTS":
        for line in payload[0].splitlines():
            print(json.dumps(json.loads(line)), flush=True)
    elif verb == b"CAUGHT_UP":
        break
    else:
        assert verb in (b"HEARTBEAT", b"BOOKMARK"), (verb, body)
ask(b"BYE", b"3")
