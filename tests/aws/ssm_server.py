"""Systems Manager as far as moto has it not: commands that last, agents, and cancelling. It answers as AWS does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    "AWSFIS-Run-CPU-Stress": [{"Name": "DurationSeconds", "Type": "String"},
                              {"Name": "CPU", "Type": "String", "DefaultValue": "0"},
                              {"Name": "LoadPercent", "Type": "String", "DefaultValue": "100"}],
    "AWSFIS-Run-Network-Latency": [{"Name": "DurationSeconds", "Type": "String"},
                                   {"Name": "Interface", "Type": "String", "DefaultValue": "eth0"},
                                   {"Name": "DelayMilliseconds", "Type": "String", "DefaultValue": "200"}],
    "AWSFIS-Run-Kill-Process": [{"Name": "ProcessName", "Type": "String"}],
    "AWS-RunShellScript": [{"Name": "commands", "Type": "StringList"},
                           {"Name": "executionTimeout", "Type": "String", "DefaultValue": "3600"}],
}
ACTIVE = ("Pending", "InProgress", "Cancelling")
NEXT = {"Pending": "InProgress", "Cancelling": "Cancelled"}


class Ssm:
    """What it was told, and what it answers. `silent` agents do not answer; `failing` documents fail at once."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []
        self.silent: set[str] = set()
        self.failing: set[str] = set()

    def active(self) -> list[str]:
        """The documents that run."""
        return [one["DocumentName"] for one in self.commands if one["Status"] in ACTIVE]

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """As AWS answers; an error is a KeyError with its code."""
        match operation:
            case "DescribeDocument":
                if asked["Name"] not in DOCUMENTS:
                    raise KeyError("InvalidDocument")
                return {"Document": {"Name": asked["Name"], "Parameters": DOCUMENTS[asked["Name"]]}}
            case "DescribeInstanceInformation":
                ids = asked["Filters"][0]["Values"]
                return {"InstanceInformationList": [
                    {"InstanceId": one, "PingStatus": "ConnectionLost" if one in self.silent else "Online"}
                    for one in ids]}
            case "SendCommand":
                return {"Command": self._sent(asked)}
            case "ListCommandInvocations":
                return {"CommandInvocations": [self._shown(one) for one in self.commands
                                               if one["InstanceId"] == asked["InstanceId"]]}
            case "CancelCommand":
                for one in self.commands:
                    if one["CommandId"] == asked["CommandId"] and one["Status"] in ACTIVE:
                        one["Status"] = "Cancelling"
                return {}
            case _:
                raise KeyError("InvalidAction")

    def _sent(self, asked: dict[str, Any]) -> dict[str, Any]:
        status = "Failed" if asked["DocumentName"] in self.failing else "Pending"
        self.commands += [{**asked, "CommandId": str(uuid4()), "InstanceId": one, "Status": status}
                          for one in asked["InstanceIds"]]
        return {"CommandId": self.commands[-1]["CommandId"]}

    def _shown(self, command: dict[str, Any]) -> dict[str, Any]:
        """A command goes on by one state each time it is looked at."""
        shown = {key: command[key] for key in ("CommandId", "InstanceId", "Comment", "DocumentName", "Status")}
        command["Status"] = NEXT.get(command["Status"], command["Status"])
        return shown


@contextmanager
def ssm() -> Iterator[tuple[Ssm, str]]:
    """The server, and its address."""
    recorded, lock = Ssm(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            try:
                with lock:
                    self._say(200, recorded.answer(self.headers["X-Amz-Target"].rpartition(".")[2], asked))
            except KeyError as error:
                self._say(400, {"__type": error.args[0], "message": "recorded"})

        def _say(self, status: int, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield recorded, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
