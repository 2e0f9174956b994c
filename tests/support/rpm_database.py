# SPDX-License-Identifier: MPL-2.0
"""A database of rpm as rpm 4.16 and later make it: tables Packages and Name of SQLite, headers as blobs.

As a program it writes the fuzzer's inputs: rpm_database.py tests/fuzz/corpus/package_rpm
"""

import pathlib
import sqlite3
import struct
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


if __name__ == "__main__":
    main()
