# SPDX-License-Identifier: MPL-2.0
"""Databases of rpm: tables Packages and Name of SQLite (rpm 4.16 and later), ndb (openSUSE), and a hash of
Berkeley DB (before 4.16), which Berkeley DB itself makes (Debian: db5.3-util). Packages are headers.

As a program it writes the fuzzer's inputs: rpm_database.py tests/fuzz/corpus/package_rpm
"""

import pathlib
import sqlite3
import struct
import subprocess
import sys

INT32, STRING, STRING_ARRAY = 4, 6, 8
NAME, VERSION, RELEASE, EPOCH, SOURCERPM, DIRINDEXES, BASENAMES, DIRNAMES = (
    1000, 1001, 1002, 1003, 1044, 1116, 1117, 1118)


def header(name, version, release, files=(), epoch=None, source=None):
    """The header of a package, as the table Packages has it."""
    folders = sorted({path.rpartition("/")[0] + "/" for path in files})
    tags = [(NAME, STRING, [name]), (VERSION, STRING, [version]), (RELEASE, STRING, [release])]
    if epoch is not None:
        tags.append((EPOCH, INT32, [epoch]))
    if source:
        tags.append((SOURCERPM, STRING, [source]))
    if files:
        tags += [(DIRINDEXES, INT32, [folders.index(path.rpartition("/")[0] + "/") for path in files]),
                 (BASENAMES, STRING_ARRAY, [path.rpartition("/")[2] for path in files]),
                 (DIRNAMES, STRING_ARRAY, folders)]
    entries, data = b"", b""
    for tag, kind, values in tags:
        if kind == INT32:
            data += bytes(-len(data) % 4)
        entries += struct.pack(">IIII", tag, kind, len(data), len(values))
        data += b"".join(struct.pack(">i", v) if kind == INT32 else v.encode() + b"\0" for v in values)
    return struct.pack(">II", len(tags), len(data)) + entries + data


def write(path, packages, page_size=4096, first_id=1):
    """`packages`: the keyword arguments of header() for each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA page_size = {page_size}")
    database.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    database.execute("CREATE TABLE 'Name' (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, "
                     "FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))")
    database.execute("CREATE INDEX 'Name_key_idx' ON 'Name' (key ASC)")
    for row, package in enumerate(packages, first_id):
        database.execute("INSERT INTO Packages VALUES (?, ?)", [row, header(**package)])
        database.execute("INSERT INTO Name VALUES (?, ?, 0)", [package["name"], row])
    database.commit()
    database.close()


def write_bdb(path, packages, page_size=4096, order="1234"):
    """`order`: of the bytes of a number, 1234 or 4321."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    lines = ["VERSION=3", "format=bytevalue", "type=hash", f"db_pagesize={page_size}", f"db_lorder={order}",
             "HEADER=END"]
    entries = [(0, struct.pack("<I", len(packages)))]
    entries += [(row, header(**package)) for row, package in enumerate(packages, 1)]
    for row, value in entries:
        lines += [" " + struct.pack("<I", row).hex(), " " + value.hex()]
    subprocess.run(["db5.3_load", str(path)], input="\n".join([*lines, "DATA=END", ""]), text=True, check=True)


def write_ndb(path, packages, n_pages=1):
    """`n_pages`: of slots, 256 each; every third slot stays free."""
    path.parent.mkdir(parents=True, exist_ok=True)
    slots, blobs = [], b""
    for row, package in enumerate(packages, 1):
        blob = header(**package)
        tail = struct.pack("<II", 0, len(blob)) + b"BlbE"
        whole = struct.pack("<4sIII", b"BlbS", row, 1, len(blob)) + blob
        whole += bytes(-(len(whole) + len(tail)) % 16) + tail
        slots.append((row, (4096 * n_pages + len(blobs)) // 16, len(whole) // 16))
        if row % 2 == 0:
            slots.append((0, 0, 0))
        blobs += whole
    slots += [(0, 0, 0)] * (256 * n_pages - 2 - len(slots))
    start = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, n_pages, len(packages) + 1, 0, 0, 0)
    path.write_bytes(start + b"".join(struct.pack("<4sIII", b"Slot", *slot) for slot in slots) + blobs)


def zeromq(version="4.3.4", release="2.fc38", file="/usr/lib64/libzmq.so.5.2.4", **more):
    return {"name": "zeromq", "version": version, "release": release,
            "files": ["/usr/lib64/libzmq.so.5", file, "/usr/share/doc/zeromq/README"],
            "source": f"zeromq-{version}-{release}.src.rpm", **more}


def main():
    folder = pathlib.Path(sys.argv[1])
    crowd = [{"name": f"package{i}", "version": "1", "release": "1"} for i in range(40)]
    write(folder / "small", [zeromq()], page_size=512)
    write(folder / "many", [*crowd, zeromq(epoch=1), *crowd], page_size=512)
    write(folder / "several", [{"name": "python3-zmq", "version": "24", "release": "1",
                                "files": ["/usr/lib64/python3/zmq.so"]}, zeromq(source=None)], page_size=1024)
    write(folder / "other", crowd[:2], page_size=512)
    write(folder / "below", [zeromq()], page_size=512, first_id=-5)
    long = [f"/usr/share/zeromq/{i:030}" for i in range(60)]
    write(folder / "long", [{**zeromq(), "files": [*long, "/usr/lib64/libzmq.so.5.2.4"]}], page_size=512)
    (folder / "header").write_bytes(header(**zeromq()))
    most = {**zeromq(), "files": [*long, "/usr/lib64/libzmq.so.5.2.4"]}
    write_ndb(folder / "ndb", [crowd[0], zeromq(epoch=1), crowd[1]])
    write_ndb(folder / "ndb-long", [*crowd, most, *crowd * 6], n_pages=2)
    write_bdb(folder / "bdb", [crowd[0], zeromq(epoch=1), crowd[1]], page_size=512)
    write_bdb(folder / "bdb-swapped", [crowd[0], zeromq(), crowd[1]], page_size=512, order="4321")
    write_bdb(folder / "bdb-long", [*crowd, most, *crowd], page_size=512)
    write_bdb(folder / "bdb-4096", [most])


if __name__ == "__main__":
    main()
