"""Reads each line of standard input, a connection's bytes in hexadecimal, with h11, and writes the requests in it as JSON."""

import json
import sys

import h11


def requests(data):
    """The requests that a server reads, up to the first that it refuses."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    found = []
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            return found
        if event is h11.PAUSED:
            # It reads the next one when this one was answered.
            connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is not h11.DONE:
                return found
            connection.start_next_cycle()
        elif isinstance(event, h11.Request):
            found.append({
                "method": event.method.decode("ascii"),
                "target": event.target.decode("ascii"),
                "fields": [[name.decode("ascii"), value.decode("latin-1")] for name, value in event.headers],
                "body": "",
                "whole": False,
            })
        elif isinstance(event, h11.Data):
            found[-1]["body"] += bytes(event.data).hex()
        elif isinstance(event, h11.EndOfMessage):
            found[-1]["whole"] = not event.headers


for line in sys.stdin:
    try:
        print(json.dumps({"requests": requests(bytes.fromhex(line))}))
    except h11.RemoteProtocolError as error:
        print(json.dumps({"error": str(error)}))
