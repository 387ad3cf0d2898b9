"""uvicorn with several workers, on a socket that sends at once: without that each of its answers waits 40 ms for an acknowledgement."""

import socket
import sys

import uvicorn
from uvicorn.supervisors import Multiprocess

if __name__ == "__main__":
    port, workers = map(int, sys.argv[1:])
    config = uvicorn.Config("fastapi_onnxruntime:app", port=port, workers=workers, log_level="error", access_log=False)
    listener = config.bind_socket()
    # Those that it accepts have it, too.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    Multiprocess(config, sockets=[listener]).run()
