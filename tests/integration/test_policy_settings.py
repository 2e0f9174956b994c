# SPDX-License-Identifier: MPL-2.0
"""What the configuration says of checks and of tables: it acts after a reload, and where it says."""

import pytest
import zmq

from support.probing import ProbingAgent, write_config
from support.puppet import Puppet
from support.waiting import wait_for

TABLE_METRIC = {"releases": "zmq_library_release_table_timestamp_seconds",
                "advisories": "zmq_library_advisory_table_timestamp_seconds",
                "packages": "zmq_library_package_table_timestamp_seconds"}
DAY_S = 86400
RELEASES = "checked 1970-01-{day:02}\n1.0.0 1970-01-01 libzmq.so.0.0.0\n99.{day}.0 2015-10-21 libzmq.so.9.9.9\n"
ADVISORIES = "checked 1970-01-{day:02}\nX-{day} high 0.0.0..99.0.0 99.0.0 https://x a flaw\n"
PACKAGES = "checked 1970-01-{day:02}\n"


def violations(page, check):
    """{(program, type, address)} that break it."""
    return {(s.labels["program"], s.labels.get("type"), s.labels.get("address")) for s in page.samples
            if s.name == "zmq_policy_violations" and s.labels["check"] == check}


@pytest.fixture
def two_programs(directory):
    """Each with sockets of two types at two addresses, all of which break two checks."""
    made = set()
    with Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": "one"}) as one, \
            Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": "two"}) as two:
        for name, puppet in (("one", one), ("two", two)):
            for kind, type_name in ((zmq.PUB, "PUB"), (zmq.PUSH, "PUSH")):
                for address in ("tcp://*:*", "tcp://0.0.0.0:*"):
                    puppet.socket(kind, sndhwm=0).bind(address)
                    made.add((name, type_name, address))
        yield made


@pytest.mark.parametrize("exemption, is_exempt", [
    ({"program": "one"}, lambda group: group[0] == "one"),
    ({"program": "t*", "type": "PUSH"}, lambda group: group[:2] == ("two", "PUSH")),
    ({"type": "PUB", "address": "tcp://[*]:[*]"}, lambda group: group[1:] == ("PUB", "tcp://*:*")),
    ({"program": "two", "type": "PUB", "address": "tcp://0.*"},
     lambda group: group == ("two", "PUB", "tcp://0.0.0.0:*")),
    ({"program": "three"}, lambda group: False),
], ids=["program", "type", "address", "all", "nobody"])
def exemption__of_one_group__turns_one_check_off_for_it_alone(two_programs, directory, folder, exemption,
                                                              is_exempt):
    with ProbingAgent(directory, folder) as agent:
        agent.wait_value(8, "zmq_policy_violations", check="wildcard_bind")
        write_config(agent.config, policy={"exemptions": [{"check": "wildcard_bind", **exemption}]})
        assert agent.reload()[0] == 200
        page = agent.scrape()
        expected = {group for group in two_programs if not is_exempt(group)}
        assert violations(page, "wildcard_bind") == expected
        assert page.value("zmq_policy_checks", check="wildcard_bind") == len(expected)
        assert violations(page, "unlimited_hwm") == two_programs
        write_config(agent.config)
        assert agent.reload()[0] == 200
        assert violations(agent.scrape(), "wildcard_bind") == two_programs


def limit__changed__acts_after_a_reload(directory, folder):
    with Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": "one"}) as puppet, \
            ProbingAgent(directory, folder, policy={"memory_limit": "1MiB"}) as agent:
        push, pull = puppet.socket(zmq.PUSH, sndhwm=100), puppet.socket(zmq.PULL, rcvhwm=1)
        pull.bind("inproc://there")
        push.connect("inproc://there")
        assert push.send(1, 5000) == 1
        group = {("one", "PUSH", "inproc://there")}
        agent.wait_value(1, "zmq_policy_checks", check="hwm_memory")
        # 100 messages of 5000 bytes are 500000.
        for limit, expected in (("600000", set()), ("400000", group), ("1MiB", set())):
            write_config(agent.config, policy={"memory_limit": limit})
            assert agent.reload()[0] == 200
            assert violations(agent.scrape(), "hwm_memory") == expected, limit


def severity__changed__is_on_the_page_after_a_reload(directory, folder):
    with Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": "one"}) as puppet, \
            ProbingAgent(directory, folder) as agent:
        puppet.socket(zmq.PUB).bind("tcp://*:*")
        agent.wait_value(1, "zmq_policy_violations", check="wildcard_bind", severity="medium")
        write_config(agent.config, policy={"checks": {"wildcard_bind": {"severity": "critical"}}})
        assert agent.reload()[0] == 200
        page = agent.scrape()
        assert page.find("zmq_policy_violations", check="wildcard_bind", severity="critical") == [1]
        assert not page.find("zmq_policy_violations", check="wildcard_bind", severity="medium")


@pytest.fixture
def tables(folder):
    """Writes a table's file: tables("releases", day) is one of that day."""
    texts = {"releases": RELEASES, "advisories": ADVISORIES, "packages": PACKAGES}

    def write(name, day, more=""):
        (folder / f"{name}.txt").write_text(texts[name].format(day=day) + more)

    return write


def dates(page):
    return {name: page.value(metric) for name, metric in TABLE_METRIC.items()}


def flaws(page):
    return {s.labels["id"] for s in page.samples
            if s.name == "zmq_library_vulnerability_info" and s.labels["program"] == "one"}


def newest(page):
    return [s.labels["version"] for s in page.samples if s.name == "zmq_library_latest_info"]


def tables__of_the_configuration__take_the_place_of_those_compiled_in(directory, folder, tables):
    with Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": "one"}) as puppet, \
            ProbingAgent(directory, folder) as agent:
        puppet.socket(zmq.PUB).bind("inproc://here")
        puppet.segment()
        before = wait_for(lambda: newest(page := agent.scrape()) and page, "tables")
        assert min(dates(before).values()) > 1e9
        for day in (2, 3):
            for name in TABLE_METRIC:
                tables(name, day)
            write_config(agent.config, library={f"{name}_file": f"{name}.txt" for name in TABLE_METRIC})
            assert agent.reload() == (200, "the configuration is loaded\n")
            page = wait_for(lambda day=day: flaws(page := agent.scrape()) == {f"X-{day}"} and page,
                            lambda: f"a flaw, not {flaws(agent.scrape())}")
            assert dates(page) == dict.fromkeys(TABLE_METRIC, (day - 1) * DAY_S)
            assert newest(page) == [f"99.{day}.0"]
        assert page.value("zmq_policy_violations", check="vulnerable_library", program="one") == 1
        write_config(agent.config)
        assert agent.reload()[0] == 200
        page = agent.scrape()
        assert (dates(page), flaws(page), newest(page)) == (dates(before), flaws(before), newest(before))


@pytest.mark.parametrize("name, line, said", [
    ("releases", "4.x 2020-01-01 libzmq.so.5", "releases.txt:4: "),
    ("advisories", "X-9 dire 0.0.0..1.0.0 1.0.0 https://x a flaw", "advisories.txt:3: "),
    ("packages", "dpkg debian", "packages.txt:2: "),
], ids=["releases", "advisories", "packages"])
def table__broken__is_refused_with_its_line_and_the_old_one_stays(directory, folder, tables, name, line, said):
    with Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": "one"}) as puppet:
        puppet.socket(zmq.PUB).bind("inproc://here")
        puppet.segment()
        for one in TABLE_METRIC:
            tables(one, 2)
        files = {f"{one}_file": f"{one}.txt" for one in TABLE_METRIC}
        with ProbingAgent(directory, folder, library=files) as agent:
            before = wait_for(lambda: flaws(page := agent.scrape()) and page, "the program's libzmq")
            assert set(dates(before).values()) == {DAY_S}
            tables(name, 3, line + "\n")
            status, text = agent.reload()
            assert status == 500 and said in text
            page = agent.scrape()
            assert page.value("zmq_exporter_config_last_reload_successful") == 0
            assert (dates(page), flaws(page), newest(page)) == (dates(before), flaws(before), newest(before))
            tables(name, 3)
            assert agent.reload()[0] == 200
            assert dates(agent.scrape()) == {**dates(before), name: 2 * DAY_S}
