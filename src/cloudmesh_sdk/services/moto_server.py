"""The process of a loopback EC2 server: `python -m cloudmesh_sdk.services.moto_server DIR [stay]`.

It writes one line of JSON (url, pid), then serves until its standard input ends; with `stay` it
goes into the background and serves until it is told to stop (SIGTERM).
"""

import json
import os
import signal
import sys
from pathlib import Path

from moto.server import ThreadedMotoServer


def main(args: list[str]) -> None:
    """Serve on a free port of loopback."""
    stay = args[1:] == ["stay"]
    if stay and os.fork():
        os._exit(0)
    if stay:
        os.setsid()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    sys.stdout.write(json.dumps({"url": f"http://{host}:{port}", "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody reads any more
    if stay:
        signal.pause()
    sys.stdin.read()
    os._exit(0)  # its threads would keep it


if __name__ == "__main__":
    os.chdir(Path(sys.argv[1]))
    main(sys.argv[1:])
