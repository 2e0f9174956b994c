# SPDX-License-Identifier: MPL-2.0
"""What `meson install` puts where, and that it works from there."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from support import products
from support.process import run


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The file system that a package would be made of."""
    path = tmp_path_factory.mktemp("root")
    install(path)
    return path


def find(root, name):
    found = [p for p in root.rglob(name) if p.is_file()]
    assert len(found) == 1, (name, found)
    return found[0]


def install(root):
    done = subprocess.run(["meson", "install", "-C", products.BUILD, "--no-rebuild", "--destdir", root],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout


def flags_file(root):
    """Where the unit reads its service's flags."""
    found = re.findall(r"^EnvironmentFile=-(.*)$", find(root, "zmq_exporter.service").read_text(), re.M)
    assert len(found) == 1
    return found[0]


def snapshot(folder):
    return {p: (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_mode)
            for p in folder.rglob("*") if p.is_file()}


def test_install__again__leaves_what_the_administrator_wrote(folder):
    install(folder)
    assert not [p for p in folder.rglob("*") if "etc" in p.parts]  # nothing that could be live
    places = [folder / flags_file(folder).lstrip("/"), folder / "usr/local/etc/default/zmq_exporter",
              folder / "etc/zmq_exporter/web.yml"]
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text('ZMQ_EXPORTER_ARGS="--web.config.file=/etc/zmq_exporter/web.yml"\n')
        os.utime(place, (1, 1))
        place.chmod(0o640)
    before = {p: s for p, s in snapshot(folder).items() if "etc" in p.parts}
    install(folder)
    assert {p: s for p, s in snapshot(folder).items() if "etc" in p.parts} == before


def test_flags__documents__name_the_file_that_the_unit_reads(root, folder):
    """The README's own commands, as they are, and the second time too."""
    readme = (products.TESTS.parent / "README.md").read_text()
    command = re.search(r"^    (cp \S* ?(\S+/zmq_exporter\.default) (\S+))$", readme, re.M)
    example, live = command.group(2), command.group(3)
    assert live == flags_file(root)
    assert f"`{live}`" in readme
    assert find(root, "zmq_exporter.default") == root / example.lstrip("/")
    page = find(root, "zmq_exporter.1").read_text()
    assert f".I {live}\n" in page and f".I {example}\n" in page
    for name in ("zmq_exporter.service", "zmq_exporter.socket", "zmq_exporter.default"):
        assert live in find(root, name).read_text()

    (folder / "default").mkdir()
    shell = command.group(1).replace(example, str(root) + example).replace("/etc/default", f"{folder}/default")
    assert run(["sh", "-c", shell]).returncode == 0
    made = folder / "default/zmq_exporter"
    assert made.read_text() == find(root, "zmq_exporter.default").read_text()
    made.write_text("ZMQ_EXPORTER_ARGS=--web.systemd-socket\n")
    run(["sh", "-c", shell])
    assert made.read_text() == "ZMQ_EXPORTER_ARGS=--web.systemd-socket\n"


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    return program


def test_install__files__are_where_the_system_looks(root):
    for name, folder in [("zmq_exporter.service", "lib/systemd/system"),
                         ("zmq_exporter.socket", "lib/systemd/system"), ("zmqtap.conf", "zmq_exporter"),
                         ("zmq_exporter.1", "man/man1"), ("zmqtap.h", "include"),
                         ("zmqtap.pc", "pkgconfig"), ("zeromq-fleet.json", "dashboards"),
                         ("zmq.rules.yml", "alerts"), ("ZeroMQReceiverStuck.md", "runbooks"),
                         ("README.md", "doc/zmq_exporter"), ("metrics.md", "doc/zmq_exporter/doc")]:
        assert str(find(root, name).parent).endswith(folder)
    assert sorted(p.parent.name for p in root.rglob("zmq_exporter.conf")) == ["sysusers.d", "tmpfiles.d"]


def test_install__text_files__have_no_unfilled_words_and_no_build_path(root):
    for name in ["zmq_exporter.service", "zmqtap.conf", "zmq_exporter.1"]:
        text = find(root, name).read_text()
        assert not re.search(r"@\w+@", text)
        assert str(products.BUILD) not in text


def test_install__tree_at_another_place__finds_its_tap(root, directory):
    program = next(p for p in root.rglob("bin/zmq_exporter"))
    done = run([program, "run", f"--tap.directory={directory}", "--", "sh", "-c", "echo $LD_PRELOAD"])
    assert done.stdout.strip() == str(find(root, "libzmqtap.so"))
    assert done.stderr == ""


def test_install__tap__is_the_file_that_the_drop_in_names(root):
    named = re.search(r"^Environment=LD_PRELOAD=(.*)$", find(root, "zmqtap.conf").read_text(), re.M)
    assert (root / named.group(1).lstrip("/")).is_file()


def test_units__systemd__accepts_them(root, folder):
    need("systemd-analyze")
    unit = folder / "zmq_exporter.service"
    program = next(p for p in root.rglob("bin/zmq_exporter"))
    text = find(root, "zmq_exporter.service").read_text()
    assert "ExecStart=/" in text
    # The manager looks for the program, which lies under the root.
    unit.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={program}", text))
    shutil.copy(find(root, "zmq_exporter.socket"), folder)
    shutil.copy(find(root, "zmq_exporter-peek.socket"), folder)
    reader = folder / "zmq_exporter-peek@.service"
    text = find(root, reader.name).read_text()
    reader.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={program}", text))
    done = run(["systemd-analyze", "verify", "--man=no", unit, folder / "zmq_exporter.socket",
                folder / "zmq_exporter-peek.socket", folder / "zmq_exporter-peek@a.service"])
    ours = [line for line in done.stderr.splitlines() if "zmq_exporter" in line]
    assert not ours


def test_drop_in__systemd__accepts_it_on_a_service(root, folder):
    need("systemd-analyze")
    (folder / "feed.service").write_text("[Unit]\nDescription=feed\n[Service]\nExecStart=/bin/true\n")
    (folder / "feed.service.d").mkdir()
    shutil.copy(find(root, "zmqtap.conf"), folder / "feed.service.d")
    done = run(["systemd-analyze", "verify", "--man=no", folder / "feed.service"])
    assert not [line for line in done.stderr.splitlines() if "zmqtap.conf" in line or "feed" in line]


@pytest.mark.parametrize("name", ["zmq_exporter.service", "zmq_exporter-peek@.service"])
def test_unit__sandbox__is_rated_safe(root, name):
    need("systemd-analyze")
    unit = find(root, name)
    done = run(["systemd-analyze", "security", "--offline=true", "--threshold=30", unit])
    if "Operation not permitted" in done.stderr or "Unknown" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout


def test_tmpfiles_and_sysusers__root__makes_a_directory_that_anyone_may_write_a_file_into(root, folder):
    need("systemd-tmpfiles")
    if os.geteuid() != 0:
        pytest.skip("making users and their directories needs root")
    target = folder / "root"
    for kind in ("sysusers.d", "tmpfiles.d"):
        (target / "usr/lib" / kind).mkdir(parents=True)
        source = next(p for p in root.rglob("zmq_exporter.conf") if p.parent.name == kind)
        shutil.copy(source, target / "usr/lib" / kind)
    (target / "etc").mkdir()
    for command in (["systemd-sysusers", f"--root={target}"],
                    ["systemd-tmpfiles", f"--root={target}", "--create"]):
        done = run(command)
        assert done.returncode == 0, done.stderr
    made = (target / "run/zmq_exporter").stat()
    assert stat.S_IMODE(made.st_mode) == 0o3773
    entry = re.search(r"^zmq_exporter:[^:]*:(\d+):(\d+):", (target / "etc/passwd").read_text(), re.M)
    assert (made.st_uid, made.st_gid) == (int(entry.group(1)), int(entry.group(2)))


def test_man_page__troff__has_no_complaint(root):
    need("groff")
    done = run(["groff", "-ww", "-man", "-Tutf8", "-z", find(root, "zmq_exporter.1")])
    assert (done.returncode, done.stderr) == (0, "")
