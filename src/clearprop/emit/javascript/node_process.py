"""Running generated JavaScript: in one process of Node's, to check it."""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from threading import Lock, Timer
from typing import Any

import numpy as np

from ...errors import CompileError
from ...stages.ir import Buffer
from .js_function import Script
from .js_operators import ARRAYS

_SERVER = """
const modules = new Map();
const array = ({ type, data }) => {
    const bytes = Uint8Array.from(Buffer.from(data, "base64"));
    return new globalThis[type](bytes.buffer);
};
const plain = (x) => (typeof x === "object" ? x : Float64Array.of(Number(x)));
const packed = (x) => ({
    type: x.constructor.name,
    data: Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString("base64"),
});
async function answer({ text, name, inputs }) {
    if (!modules.has(text)) modules.set(text, import(`data:text/javascript;base64,${text}`));
    const found = (await modules.get(text))[name];
    if (!inputs) return [];
    const given = inputs.map((x) => {
        const numbers = array(x);
        return x.single === "number" ? numbers[0] : x.single === "boolean" ? numbers[0] !== 0 : numbers;
    });
    return Object.values(found(...given)).map((x) => packed(plain(x)));
}
async function reply(line) {
    try {
        console.log(JSON.stringify({ results: await answer(JSON.parse(line)) }));
    } catch (error) {
        console.log(JSON.stringify({ error: String(error) }));
    }
}
let rest = "", replies = Promise.resolve();
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
    const lines = (rest + text).split("\\n");
    rest = lines.pop();
    for (const line of lines) replies = replies.then(() => reply(line));
});
"""
"""Reads calls from its input, one a line, and writes what they return."""
_SECONDS = 120
"""After which a process that runs code does not answer any more, as with a loop that never ends."""


class _Node:
    """A process that runs modules."""

    def __init__(self, path: str) -> None:
        self.lock = Lock()
        self.process = subprocess.Popen(
            [path, "--input-type=module", "-e", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self.pid = os.getpid()
        atexit.register(self.close)

    def ask(self, message: Any) -> list[Any]:
        """Run code in the process. Raises CompileError where the code does, or the process has ended,
        by itself or after two minutes without an answer.
        """
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        limit = Timer(_SECONDS, self.process.kill)
        limit.daemon = True
        with self.lock:
            limit.start()
            try:
                stdin.write(json.dumps(message) + "\n")
                stdin.flush()
                line = stdout.readline()
            except OSError:
                line = ""
            finally:
                limit.cancel()
        if not line:
            self.process.kill()
            self.process.wait()  # so that the next call starts another one
            raise CompileError(
                f"Node ended while it ran generated code, or gave no answer in {_SECONDS} seconds"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise CompileError(f"Node cannot run generated code: {answer['error']}")
        results: list[Any] = answer["results"]
        return results

    def close(self) -> None:
        if self.pid == os.getpid():
            self.process.kill()
            self.process.communicate()


_NODES: dict[int, _Node] = {}
"""By the process that started it: a fork must not share one."""


def node() -> str | None:
    """Return where Node is; None where it is not installed."""
    return shutil.which("node")


def _running() -> _Node:
    path = node()
    if path is None:
        raise CompileError("Node is not installed here: install it, or copy the code where it is")
    found = _NODES.get(os.getpid())
    if found is None or found.process.poll() is not None:
        found = _NODES[os.getpid()] = _Node(path)
    return found


def run_script(script: Script) -> Callable[[Sequence[Any]], list[Any]]:
    """Return a Python function that runs a script on arrays, in the order of its inputs, and returns
    its results.

    Raises
    ------
    CompileError : Node is not installed, or it refuses the code.
    """
    text = base64.b64encode(script.text.encode()).decode()
    call = {"text": text, "name": script.name}
    _running().ask(call)

    def run(arrays: Sequence[Any]) -> list[Any]:
        inputs = [_packed(b, x) for b, x in zip(script.inputs, arrays, strict=True)]
        results = _running().ask({**call, "inputs": inputs})
        return [_unpacked(b, x) for b, x in zip(script.outputs, results, strict=True)]

    return run


def _packed(b: Buffer, x: Any) -> dict[str, str]:
    wide = b.dtype.kind in "iu" and b.dtype.itemsize == 8
    array = np.ascontiguousarray(x, np.float64 if wide else b.dtype)
    kind = "boolean" if b.dtype == np.bool_ else "number"
    return {
        "type": ARRAYS[f"{b.dtype.kind}{b.dtype.itemsize}"],
        "data": base64.b64encode(array.tobytes()).decode(),
        "single": "" if b.spec.shape else kind,
    }


def _unpacked(b: Buffer, x: dict[str, str]) -> Any:
    kinds = {name: kind for kind, name in ARRAYS.items() if kind not in ("i8", "u8", "b1")}
    array = np.frombuffer(base64.b64decode(x["data"]), kinds[x["type"]])
    return array.astype(b.dtype).reshape(b.spec.shape)
