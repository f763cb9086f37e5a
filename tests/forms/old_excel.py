"""A workbook of Excel 97 to 2003 written by hand, for the test that such files are read ([MS-CFB], [MS-XLS])."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

SECTOR = 512
END_OF_CHAIN, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def xls(sheets: Mapping[str, Sequence[Sequence[str | float]]]) -> bytes:
    """The bytes of a .xls with these sheets."""
    return _container(_stream(sheets))


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _begin(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))


def _stream(sheets: Mapping[str, Sequence[Sequence[str | float]]]) -> bytes:
    texts = list(
        dict.fromkeys(cell for rows in sheets.values() for row in rows for cell in row if isinstance(cell, str))
    )
    table = struct.pack("<II", len(texts), len(texts))
    table += b"".join(struct.pack("<HB", len(text), 1) + text.encode("utf-16-le") for text in texts)
    bodies = [_sheet(rows, texts) for rows in sheets.values()]
    names = [struct.pack("<BB", len(name), 0) + name.encode("latin-1") for name in sheets]
    start = len(_begin(5)) + sum(4 + 6 + len(name) for name in names) + 4 + len(table) + 4
    bounds = b""
    for name, body in zip(names, bodies, strict=True):
        bounds += _record(0x0085, struct.pack("<IBB", start, 0, 0) + name)
        start += len(body)
    return _begin(5) + bounds + _record(0x00FC, table) + _record(0x000A, b"") + b"".join(bodies)


def _sheet(rows: Sequence[Sequence[str | float]], texts: list[str]) -> bytes:
    cells = b""
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            at = struct.pack("<HHH", number, column, 0)
            if isinstance(cell, str):
                cells += _record(0x00FD, at + struct.pack("<I", texts.index(cell))) if cell else b""
            else:
                cells += _record(0x0203, at + struct.pack("<d", cell))
    return _begin(0x10) + cells + _record(0x000A, b"")


def _container(stream: bytes) -> bytes:
    """A compound file with the one stream "Workbook", large enough to need no small sectors."""
    stream = stream.ljust(max(4096, -(-len(stream) // SECTOR) * SECTOR), b"\0")
    count = len(stream) // SECTOR
    fat = [FAT, END_OF_CHAIN, *(number + 3 for number in range(count - 1)), END_OF_CHAIN]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, END_OF_CHAIN, 0, END_OF_CHAIN, 0)
    head += struct.pack("<I", 0) + struct.pack("<I", FREE) * 108
    table = b"".join(struct.pack("<I", entry) for entry in fat).ljust(SECTOR, b"\xff")
    root = _entry("Root Entry", 5, child=1, start=END_OF_CHAIN, size=0)
    book = _entry("Workbook", 2, child=FREE, start=2, size=len(stream))
    return head + table + (root + book).ljust(SECTOR, b"\0") + stream


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(text), kind, 1, FREE, FREE, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
