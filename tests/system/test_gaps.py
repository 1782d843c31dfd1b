"""Every way of being offline, played by real processes, is told apart by the log's records alone."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.cli.client import act
from agent.simulate.rudeness import Manner
from tests.system.capabilities import fill, tmpfs
from tests.system.program import Agent, command
from tests.system.station import ARRIVE_S, Station, standing
from tests.system.waiting import until

pytestmark = pytest.mark.torture  # a minute, four starts

DISK = "size=2m"
OTHER_BOOT = "00000000-1111-2222-3333-444444444444"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What `fengsui gaps --json` says of a copy of the log; `stopped_by`: who sent the signal."""

    gaps: list[dict[str, Any]]
    stopped_by: int

    def the(self, cause: str, part: str | None = None, name: str | None = None) -> dict[str, Any]:
        """Return the only gap with a cause, of a link, device or uplink where that is given."""
        (found,) = (
            gap
            for gap in self.gaps
            if gap["cause"] == cause
            and (part is None or gap[part] is not None)
            and (name is None or gap[str(part)] == name)
        )
        return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, kernel_cache: Path) -> Told:
    """Play every way once, one after another, on one log."""
    folder = tmp_path_factory.mktemp("offline")
    with ExitStack() as stack:
        station = stack.enter_context(standing(folder, kernel_cache))
        stack.enter_context(tmpfs(folder / "disk", DISK))
        relay = station.field.relay(station.broker.port)
        described = station.describe("silent", "cut", "worked-on", period="50ms").mqtt(relay.port)
        described.log = {"cap": "1MB", "segment": "128kB"}
        agent = station.agent(described, name="disk/s").start().ready()
        station.delivering("silent", "cut", "worked-on")
        devices_go_and_come(station, agent)
        uplink_goes_and_comes(station, agent, relay)
        fill_the_disk(station, folder / "disk", agent)
        agent.kill()
        agent.start().ready()
        station.delivering("silent")  # a run of which nothing was stored yet leaves no gap of its own
        agent.kill()
        reboot(folder, agent)
        assert agent.stop() == 0
        agent.start().ready()
        shutil.copytree(agent.state / "log", folder / "copy")
        agent.stop()
    found = command("gaps", "--state", str(folder / "copy"), "--json")
    assert found.returncode == 0, found.stderr
    return Told(gaps=json.loads(found.stdout)["gaps"], stopped_by=os.getpid())


def devices_go_and_come(station: Station, agent: Agent) -> None:
    act(agent.state / "fengsui.sock", "maintain", subject="worked-on", **{"for": "1h"}, why="probe")
    ways = {"silent": Manner.SILENT, "cut": Manner.CLOSE, "worked-on": Manner.SILENT}
    simulators = dict(zip(ways, station.field.simulators.values(), strict=True))
    for device, manner in ways.items():
        simulators[device].choose = lambda manner=manner: manner  # type: ignore[misc]
        station.arrived("device_lost", device)
    for device in ways:
        simulators[device].choose = None
        station.arrived("device_restored", device)


def uplink_goes_and_comes(station: Station, agent: Agent, relay: Any) -> None:
    station.field.do(relay.cut)
    until(lambda: not agent.ask()["uplinks"][0]["connected"], ARRIVE_S, "the uplink is lost")
    station.field.do(relay.mend)
    station.arrived("uplink_restored")


def fill_the_disk(station: Station, disk: Path, agent: Agent) -> None:
    fill(disk / "filler")
    until(lambda: "disk_full" in lasting(agent), 2 * ARRIVE_S, "readings are refused", agent.concerns)
    (disk / "filler").unlink()
    until(lambda: "disk_full" not in lasting(agent), ARRIVE_S, "readings are taken again")
    station.delivering("silent")


def lasting(agent: Agent) -> set[str]:
    """Return the causes of the gaps that last."""
    return {gap["cause"] for gap in agent.ask()["gaps"]}


def reboot(folder: Path, agent: Agent) -> None:
    """Start the agent under another boot id, which only its own processes see."""
    other = folder / "boot_id"
    other.write_text(OTHER_BOOT + "\n", encoding="ascii")
    mount = f"mount --bind {other} /proc/sys/kernel/random/boot_id"
    agent.wrap = ("unshare", "--mount", "sh", "-c", f'{mount} && exec "$0" "$@"')
    agent.start().ready()


def test_a_clean_stop_names_who_asked_for_it(told: Told) -> None:
    gap = told.the("clean_stop")
    assert gap["by"].startswith("SIGTERM from python")
    assert f"[{told.stopped_by}] of " in gap["by"]


def test_a_kill_is_a_crash_of_the_agent_on_the_same_boot(told: Told) -> None:
    gap = told.the("agent_crash")
    assert gap["device"] is gap["link"] is gap["uplink"] is None
    assert gap["length_s"] > 0
    assert gap["scans_missed"] > 0


def test_another_boot_means_that_the_machine_was_down(told: Told) -> None:
    gap = told.the("host_down_unclean")
    assert gap["start"]["boot_id"] != gap["end"]["boot_id"] == OTHER_BOOT.replace("-", "")


def test_a_silent_device_did_not_answer(told: Told) -> None:
    assert told.the("device_comms")["device"] == "silent"


def test_a_device_that_was_cut_off_lost_its_link(told: Told) -> None:
    assert told.the("link_lost", "device")["device"] == "cut"
    assert told.the("link_lost", "link")["link"] == "cut"


def test_a_device_on_which_somebody_works_is_in_maintenance(told: Told) -> None:
    gap = told.the("maintenance")
    assert gap["device"] == "worked-on"
    assert gap["by"]


def test_an_uplink_that_was_cut_is_a_gap_of_its_own(told: Told) -> None:
    gap = told.the("link_lost", "uplink")
    assert gap["uplink"] == "province"
    assert gap["scans_missed"] is None


def test_a_full_disk_is_told_as_such(told: Told) -> None:
    assert told.the("disk_full")["device"] is None
