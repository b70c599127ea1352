"""A stand-in for Google Cloud Storage, as far as `gcsfs` asks: buckets in memory, behind the JSON
interface.

https://cloud.google.com/storage/docs/json_api/v1/objects
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Objects = dict[str, bytes]  # by bucket/name


@contextmanager
def fake_store(objects: Objects) -> Iterator[str]:
    """Serve these objects, and those that are sent, during the block; the address is what
    ``STORAGE_EMULATOR_HOST`` is to be.
    """

    class Handler(_Handler):
        held = objects

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    held: Objects
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        listed = re.fullmatch(r"/storage/v1/b/([^/]+)/o/?", address.path)
        one = re.fullmatch(r"(/download)?/storage/v1/b/([^/]+)/o/(.+)", address.path)
        if listed:
            self._answer(
                self._listed(listed[1], asked.get("prefix", ""), asked.get("delimiter", ""))
            )
        elif one:
            key = f"{one[2]}/{unquote(one[3])}"
            if key not in self.held:
                self._answer({"error": {"code": 404, "message": "No such object"}}, 404)
            elif one[1] or asked.get("alt") == "media":
                self._send(*self._part(self.held[key]), "application/octet-stream")
            else:
                self._answer(self._about(key))
        else:
            self._answer({"error": {"code": 404, "message": "Not Found"}}, 404)

    def do_POST(self) -> None:
        bucket = re.fullmatch(r"/upload/storage/v1/b/([^/]+)/o", urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if bucket is None or b"multipart" not in self.path.encode():
            self._answer({"error": {"code": 501, "message": "not in this stand-in"}}, 501)
            return
        mark = b"--" + self.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
        _, about, content, _ = body.split(mark)
        name = json.loads(about.partition(b"\n\n")[2] or about.partition(b"\r\n\r\n")[2])["name"]
        data = content.partition(b"\n\n")[2] or content.partition(b"\r\n\r\n")[2]
        data = data[:-2] if data.endswith(b"\r\n") else data[:-1]
        self.held[f"{bucket[1]}/{name}"] = data
        self._answer(self._about(f"{bucket[1]}/{name}"))

    def log_message(self, *_: object) -> None:
        pass

    def _listed(self, bucket: str, prefix: str, delimiter: str) -> dict[str, Any]:
        names = [
            key.partition("/")[2]
            for key in sorted(self.held)
            if key.startswith(f"{bucket}/{prefix}")
        ]
        if not delimiter:
            return {"items": [self._about(f"{bucket}/{name}") for name in names]}
        rest = {name: name[len(prefix) :].partition(delimiter) for name in names}
        folders = sorted({prefix + first + delimiter for first, found, _ in rest.values() if found})
        return {
            "items": [self._about(f"{bucket}/{name}") for name in names if not rest[name][1]],
            "prefixes": folders,
        }

    def _about(self, key: str) -> dict[str, Any]:
        bucket, _, name = key.partition("/")
        digest = hashlib.md5(self.held[key], usedforsecurity=False).digest()
        times = dict.fromkeys(("timeCreated", "updated"), "2026-01-01T00:00:00.000Z")
        own = {
            "name": name,
            "bucket": bucket,
            "size": str(len(self.held[key])),
            "etag": digest.hex(),
            "generation": "1",
        }
        return {
            "kind": "storage#object",
            **own,
            **times,
            "md5Hash": base64.b64encode(digest).decode(),
        }

    def _part(self, data: bytes) -> tuple[int, bytes]:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if found is None:
            return 200, data
        stop = int(found[2]) + 1 if found[2] else len(data)
        return 206, data[int(found[1]) : stop]

    def _answer(self, what: object, status: int = 200) -> None:
        self._send(status, json.dumps(what).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
