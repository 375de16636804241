#!/usr/bin/env python3
"""Chromium's EventSource, on a page of another origin, through a daemon that is killed and started
again: make browsers"""
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from live import Daemon
from restarted import STREAM, free_port, goes_through_a_restart


class Pages(http.server.SimpleHTTPRequestHandler):
    """The page, and what it tells."""

    extensions_map = {".html": "text/html", ".mjs": "text/javascript"}
    known = {"counts": {}, "values": {}}

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=HERE)

    def do_POST(self):
        Pages.known = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


if not shutil.which("chromium"):
    print("chromium is not installed: apt-get install chromium")
    sys.exit(77)
pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
threading.Thread(target=pages.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{pages.server_port}"
port = free_port()
with tempfile.TemporaryDirectory() as profile, \
        Daemon("--listen", f"127.0.0.1:{port}", "--cors-origin", origin) as daemon:
    at = urllib.parse.quote(f"http://127.0.0.1:{port}{STREAM}", safe="")
    browser = daemon.run("chromium", "--headless", "--no-sandbox", "--disable-gpu",
                         f"--user-data-dir={profile}", "--remote-debugging-port=0",
                         f"{origin}/page.html?stream={at}",
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    goes_through_a_restart(daemon, lambda: Pages.known)
    browser.terminate()
    browser.wait(30)
