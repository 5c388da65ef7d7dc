"""Files that are made to hurt a reader, and what reading each of them takes: `python hostile_files.py FOLDER`.

Prints a JSON list of name, code of the first problem and CPU seconds, and last the memory of the process in MB.
"""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path

from aml.spec.check import check

MIB = 1 << 20
JOB = b"command: a\nenvironment: azureml:a:1\n"


def bomb(first: str, opening: str, item: str, closing: str) -> bytes:
    """Each line holds nine aliases of the line before."""
    lines = [first]
    for level in range(1, 10):
        items = ", ".join(item.format(number=number, level=level - 1) for number in range(9))
        lines.append(f"a{level}: &a{level} {opening}{items}{closing}")
    return "\n".join(lines).encode()


def numbered(line: str, count: int) -> bytes:
    return "".join(line.format(i) for i in range(count)).encode()


FILES = {
    "alias bomb of lists": bomb("a0: &a0 [lol, lol]", "[", "*a{level}", "]"),
    "alias bomb of mappings": bomb("a0: &a0 {x: 1, y: 2}", "{{", "k{number}: *a{level}", "}}").replace(b"{{", b"{"),
    "merge bomb": b"a: &a {" + numbered("k{}: 1,", 500) + b"}\n" + b"b: {<<: [" + b"*a," * 5000 + b"]}\n",
    "python tag": b"command: !!python/object/apply:os.system ['id']\n",
    "many python tags": numbered("k{}: !!python/name:os.system x\n", 20_000),
    "NUL": b"command: a\0b\n",
    "many NULs": b"command: a\0b\n" * 50_000,
    "NUL at the end": b"a" * (MIB - 5) + b"\0",
    "not UTF-8": b"command: caf\xe9\n",
    "not UTF-8 at the end": b"k: v\n" * 100_000 + b"\xe9",
    "every byte": bytes(range(256)) * 4000,
    "UTF-16": "command: a\n".encode("utf-16") * 40_000,
    "UTF-32": "command: a\n".encode("utf-32"),
    "lone surrogate": b"k: \xed\xa0\x80",
    "10 MB plain": b"command: " + b"x" * 10 * MIB,
    "10 MB quoted": b'command: "' + b"x" * 10 * MIB + b'"',
    "10 MB block": b"command: |\n" + b"  xxxx\n" * (10 * MIB // 7),
    "1 MB plain": b"command: " + b"x" * (MIB - 20),
    "1 MB of references": b"command: |\n" + b"  x ${{inputs.a}}\n" * (MIB // 19),
    "1 MB of escapes": b'command: "' + b"\\u0041" * (MIB // 6 - 10) + b'"',
    "lists 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "mappings 10,000 deep": b"{a: " * 10_000 + b"}" * 10_000,
    "JSON 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "blocks 10,000 deep": b"- " * 10_000 + b"x",
    "indents 1,400 deep": b"\n".join(b" " * i + b"k:" for i in range(1400)),
    "open brackets": b"[" * (MIB - 10),
    "question marks": b"? " * (MIB // 2 - 10) + b"x",
    "keys": numbered("key{}: 1\n", 80_000),
    "one key again and again": b"command: 1\n" * 90_000,
    "items": b"inputs: [" + b"1," * 500_000 + b"]",
    "anchors": numbered("k{0}: &a{0} x\n", 50_000),
    "a key of 1 MB": b"k" * (MIB - 10) + b": 1",
    "hexadecimal": b"k: 0x" + b"f" * 130_000,
    "digits": b"k: " + b"9" * 130_000,
    "base 60": b"k: " + b"59:" * 40_000 + b"5",
    "comments": b"#x\n" * (MIB // 3),
    "blank lines": b"\n" * (MIB - 10),
    "documents": b"---\n" * (MIB // 4 - 4),
    "tabs": b"\t" * (MIB - 10),
    "colons": b"a: " * 300_000,
    "quotes": b'"' * (MIB - 10),
    "directives": b"%YAML 9.9\n" * 90_000,
    "byte order marks": b"\xef\xbb\xbf" * 300_000,
    "faulty inputs": JOB + b"inputs:\n" + numbered("  i{0}: {{type: uri_fil, path: nosuch{0}}}\n", 6_000),
    "references": b"command: " + b"${{inputs.a}} " * 60_000 + b"\nenvironment: azureml:a:1\n",
    "a cycle of steps": b"type: pipeline\njobs:\n"
    + numbered("  s{0}: {{type: command, inputs: {{a: '${{{{parent.jobs.s{0}.outputs.x}}}}'}}}}\n", 4_000),
}


def judged(file: Path) -> tuple[str, float]:
    started = time.process_time()
    report = check([str(file)], stdin=io.BytesIO()).files[0]
    return report.problems[0].code if report.problems else "", time.process_time() - started


def main(folder: Path) -> None:
    warm = folder / "warm.yml"
    for text in (JOB + b"x: ${{y}}", b"type: pipeline\njobs: {a: {type: sweep}}", b"command: ["):
        warm.write_bytes(text)
        judged(warm)
    results = []
    for name, content in FILES.items():
        file = folder / "job.yml"
        file.write_bytes(content)
        results.append((name, *judged(file)))
    print(json.dumps([*results, peak_mb()]))


def peak_mb() -> float:
    """The most memory that this program had; what getrusage tells is also that of the process which started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
