"""A third party on the live socket: live_subscriber.py LIVE SERVER_KEY KEY_FILE COUNT TOPIC...

Prints "TOPIC POSITION AUTHOR" for each fact until COUNT were seen; gives up after 30 s. What a subscriber needs is here: CURVE, topics,
and the form of a batch (u32 length, u32 zero, stamp of 112 bytes, body)*.
"""
import json
import struct
import sys
import time

import zmq

live, server_key, key_file, count, *topics = sys.argv[1:]
keys = json.load(open(key_file))
socket = zmq.Context().socket(zmq.SUB)
socket.curve_serverkey = server_key.encode()
socket.curve_publickey, socket.curve_secretkey = keys["public"].encode(), keys["secret"].encode()
socket.rcvtimeo = 10_000
for topic in topics:
    socket.subscribe(topic)
socket.connect(live)

seen = 0
end = time.monotonic() + 30  # Heads arrive for ever.
while seen < int(count):
    if time.monotonic() > end:
        sys.exit(f"{seen} of {count} facts were seen")
    topic, *frames = socket.recv_multipart()
    if topic == b"head":
        print("head", flush=True)
        continue
    header, blob = frames
    while blob and topic != b"kms.sealed":
        length, zero = struct.unpack_from("<II", blob)
        position, = struct.unpack_from("<Q", blob, 8)
        author = blob[8 + 48:8 + 80].rstrip(b"\0").decode()
        print(topic.decode(), position, author, flush=True)
        blob = blob[8 + length:]
        seen += 1
