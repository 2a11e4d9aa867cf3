"""Copies the log to a file, through any crash, a line each: copy_to_file.py FILE [ENDPOINTS]

Nothing is lost: the cursor moves when the line is on disk. A crash between the two brings a line
again, so whoever reads the file takes each position once; and it may leave the beginning of a line,
which is cut off here.
"""

import json
import os
import sys
from typing import BinaryIO

import keytrail

path = sys.argv[1]
endpoints = sys.argv[2] if len(sys.argv) > 2 else "data/endpoints.json"


def line_of(fact: keytrail.Fact) -> bytes:
    return (
        json.dumps(
            {
                "position": fact.position,
                "time": fact.time.isoformat(),
                "type": fact.type,
                "subject": fact.subject,
                "user": fact.facets.user,
                "data": fact.data,
                "leaf": fact.leaf.hex(),
            }
        ).encode()
        + b"\n"
    )


def cut_half_a_line(file: BinaryIO) -> None:
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        file.seek(end - 1)
        if file.read(1) == b"\n":
            break
        end -= 1
    file.truncate(end)
    file.seek(end)


cursor = keytrail.FileCursor(path + ".cursor")
open(path, "ab").close()
with open(path, "r+b") as file, keytrail.connect(endpoints) as log:
    cut_half_a_line(file)
    for fact in log.follow(from_=cursor):
        file.write(line_of(fact))
        file.flush()
        os.fsync(file.fileno())
        cursor.save(fact)
