"""Runs kafka-connect-healthcheck as it is, but on a free port of loopback, whose address it prints."""
from http.server import HTTPServer

import kafka_connect_healthcheck.main as healthcheck


class Loopback(HTTPServer):
    def __init__(self, _address, handler):
        super().__init__(("127.0.0.1", 0), handler)
        print(f"address http://127.0.0.1:{self.server_port}", flush=True)


healthcheck.HTTPServer = Loopback
healthcheck.main()
