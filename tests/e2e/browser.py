"""Chromium without a window, driven by the WebDriver protocol over plain HTTP."""

import http.client
import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from iamd import PATIENCE_SECONDS

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)
# The name under which WebDriver hands out elements.
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """A browser with a profile of its own, which lasts as long as it."""

    def __init__(self, folder):
        for program in ("chromium", "chromedriver"):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed: no real browser is tested")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.session = None
        try:
            self.port = self._port()
            options = {
                "binary": shutil.which("chromium"),
                "args": [*FLAGS, f"--user-data-dir={folder}"],
            }
            asked = {"browserName": "chrome", "goog:chromeOptions": options}
            made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": asked}})
            self.session = f"/session/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _port(self):
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                return int(found.group(1))
        raise AssertionError("chromedriver does not start")

    def _call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = None if body is None else json.dumps(body)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        value = json.loads(answer.read())["value"]
        connection.close()
        assert answer.status == 200, value
        return value

    def open(self, url):
        """Goes to a page and waits until it is there."""
        self._call("POST", f"{self.session}/url", {"url": url})

    def find(self, selector):
        """The element that a CSS selector finds."""
        asked = {"using": "css selector", "value": selector}
        return self._call("POST", f"{self.session}/element", asked)[_ELEMENT]

    def choose(self, selector, path):
        """Chooses a file in an input."""
        element = self.find(selector)
        self._call("POST", f"{self.session}/element/{element}/value", {"text": str(path)})

    def click(self, selector):
        """Clicks, and waits until the page that this opens is there."""
        self._call("POST", f"{self.session}/element/{self.find(selector)}/click", {})

    def run(self, script, *arguments):
        """What becomes of the promise that a script gives."""
        asked = {"script": script, "args": arguments}
        return self._call("POST", f"{self.session}/execute/sync", asked)

    @property
    def url(self):
        """The address of the page."""
        return self._call("GET", f"{self.session}/url")

    @property
    def text(self):
        """The text of the page."""
        return self.run("return document.documentElement.textContent")

    def close(self):
        """Ends the browser, and then its driver."""
        try:
            if self.session:
                self._call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait(PATIENCE_SECONDS)
            self.driver.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Site:
    """A web server with a page of a test's own, at an origin of its own."""

    def __init__(self):
        self.page = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = site.page.encode() if self.path == "/" else b"<p>thank you</p>"
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
