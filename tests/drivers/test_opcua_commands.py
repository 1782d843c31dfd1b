"""`fengsui opcua`: what it prints is a point table, and whom a person trusts is trusted."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from agent.certificates.folder import CertificateFolder
from agent.cli.main import main
from agent.cli.opcua_browse import rows_of
from agent.simulate.opcua import NAMESPACE
from config.load import load
from config.tags import ValueType
from drivers.opcua.browse import Variable
from tests.drivers.contract_suite import VALUES
from tests.drivers.opcua_certificates import Pair
from tests.drivers.opcua_rig import ServerThread

PLANT = """
fengsui: 1
gateway: {{enterprise: e, name: g}}
scan_classes: {{normal: {{period: 1s}}}}
links: {{server: {{type: opcua, url: "{url}"}}}}
devices: {{plc: {{link: server}}}}
points: [points.csv]
"""


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, [*words, "--lang", "en"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


def test_what_browse_prints_is_a_point_table_that_check_accepts(
    opcua_server: ServerThread, tmp_path: Path
) -> None:
    (tmp_path / "plant.yaml").write_text(PLANT.format(url=opcua_server.simulator.url), encoding="utf-8")
    code, table = run("opcua", "browse", opcua_server.simulator.url)
    assert code == 0, table
    (tmp_path / "points.csv").write_text(table, encoding="utf-8")
    plant = load(tmp_path)
    found = {tag.address: tag for tag in plant.tags}
    for name, (kind, _) in VALUES.items():
        assert found[f"nsu={NAMESPACE};s=plc.{name}"].type is kind
    assert found[f"nsu={NAMESPACE};s=text"].type.is_text
    assert f"nsu={NAMESPACE};s=array" not in found
    assert not any("ServerStatus" in tag.address for tag in plant.tags)
    assert run("check", str(tmp_path))[0] == 0
    assert run("opcua", "browse", str(tmp_path)) == (0, table)


def test_browse_begins_where_it_is_told_to_and_says_what_is_wrong(
    opcua_server: ServerThread, tmp_path: Path
) -> None:
    url = opcua_server.simulator.url
    code, table = run("opcua", "browse", url, "--from", "i=2253", "--device", "x", "--scan-class", "slow")
    assert code == 0
    assert "ServerStatus.State,State,x,slow,i=2259,int32" in table
    assert "ns=2;s=plc" not in table
    assert run("opcua", "browse", url, "--from", "nonsense")[0] == 64
    code, words = run("opcua", "browse", "opc.tcp://127.0.0.1:1")
    assert (code, "nothing listens there" in words) == (69, True)


def test_a_server_that_is_named_without_its_scheme_is_told_how_to_write_it() -> None:
    code, said = run("opcua", "browse", "127.0.0.1:4840")
    assert code == 64
    assert "write opc.tcp://127.0.0.1:4840" in said


def test_names_are_unique_and_fit_however_the_server_calls_its_nodes() -> None:
    paths = [("炉1", "温度"), ("炉2", "温度"), ("DB 1", "T/1"), ("DB 1", "T:1"), ("x" * 90, "y" * 40), ("°",)]
    variables = [
        Variable(node=None, address="i=1", path=path, title="t\n" * 200, type=ValueType.BOOL)
        for path in paths
    ]
    names = [row["tag"] for row in rows_of(variables)]
    assert names[:4] == ["1", "2", "DB_1.T_1", "DB_1.T_1_2"]
    assert len(set(names)) == len(names)
    assert all(0 < len(name) <= 64 for name in names)
    assert all("\n" not in row["title"] and len(row["title"]) <= 200 for row in rows_of(variables))


def test_trust_lists_certificates_and_moves_the_one_that_is_meant(tmp_path: Path) -> None:
    state = str(tmp_path)
    assert "no certificates" in run("opcua", "trust", "--state", state)[1]
    folder = CertificateFolder(tmp_path / "certificates")
    pairs = [Pair.make("casting-plc"), Pair.make("furnace-plc")]
    for pair in pairs:
        folder.reject(pair.der)
    (kept,) = [kept for kept in folder.rejected() if "casting" in str(kept.certificate.subject)]
    assert run("opcua", "trust", "12:34", "--state", state)[0] == 64
    assert run("opcua", "trust", "0" * 64, "--state", state)[0] == 64
    code, words = run("opcua", "trust", kept.fingerprint[:23].lower(), "--state", state)
    assert (code, kept.fingerprint in words) == (0, True)
    assert folder.trusts(pairs[0].der)
    assert not folder.trusts(pairs[1].der)
    listed = run("opcua", "trust", "--state", state)[1]
    assert listed.index("casting-plc") < listed.index("rejected") < listed.index("furnace-plc")
