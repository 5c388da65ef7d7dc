"""The YAML language server that editors run, spoken to over its standard streams."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import Queue
from typing import Any

NODE_MODULES = Path(__file__).parents[1] / "node" / "node_modules"
SERVER = NODE_MODULES / "yaml-language-server" / "bin" / "yaml-language-server"
TIMEOUT_S = 30
_PROPERTY = 10  # the protocol's kind of a key; others are whole values and snippets


class LanguageServer:
    """One server with one folder open and the settings of an editor."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.process = subprocess.Popen(
            ["node", str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.answers: Queue[dict[str, Any]] = Queue()
        self.diagnostics: Queue[dict[str, Any]] = Queue()
        self.configured = threading.Event()
        self.folder = folder
        self.last_id = 0
        self.opened = 0
        threading.Thread(target=self._listen, daemon=True).start()
        root = folder.as_uri()
        capabilities = {"workspace": {"configuration": True}, "textDocument": {"completion": {}}}
        self.request("initialize", {"processId": None, "rootUri": root, "capabilities": capabilities})
        self.notify("initialized", {})
        self.notify("workspace/didChangeConfiguration", {"settings": settings})
        assert self.configured.wait(TIMEOUT_S)

    def labels(self, text: str, line: int, character: int) -> dict[str, str]:
        """The keys that are offered at a place of a file (0-based), each with its explanation."""
        where = {"textDocument": {"uri": self._open(text)}, "position": {"line": line, "character": character}}
        found = self.request("textDocument/completion", where)
        return {
            item["label"]: _plain(item.get("documentation")) for item in found["items"] if item.get("kind") == _PROPERTY
        }

    def problems(self, text: str) -> list[str]:
        """What the editor would underline in a file."""
        uri = self._open(text)
        while (told := self.diagnostics.get(timeout=TIMEOUT_S))["uri"] != uri:
            pass
        return [f"{each['range']['start']['line'] + 1}: {each['message']}" for each in told["diagnostics"]]

    def request(self, method: str, params: Any) -> Any:
        self.last_id += 1
        self._send({"id": self.last_id, "method": method, "params": params})
        answer = self.answers.get(timeout=TIMEOUT_S)
        assert "error" not in answer, answer
        return answer["result"]

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _open(self, text: str) -> str:
        """Each text is a file of its own: the server keeps what it knows of a file."""
        self.opened += 1
        uri = (self.folder / f"spec{self.opened}.yml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self.process.stdin.flush()

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.split(b":")[1])
            while stream.readline().strip():
                pass
            self._take(json.loads(stream.read(length)))

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"method": "workspace/configuration", "id": id_, "params": {"items": items}}:
                result = [self.settings.get(item.get("section"), {}) for item in items]
                self._send({"id": id_, "result": result})
                self.configured.set()
            case {"method": "textDocument/publishDiagnostics", "params": params}:
                self.diagnostics.put(params)
            case {"method": _, "id": id_}:
                self._send({"id": id_, "result": None})
            case {"id": _}:
                self.answers.put(message)


def _plain(documentation: Any) -> str:
    return str(documentation.get("value", "") if isinstance(documentation, dict) else documentation or "")
