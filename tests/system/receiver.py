"""The platform's side: a subscriber that enters everything into the reference receiver's book."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from threading import Event
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.ranges import Ranges
from agent.receive.ledger import Ledger, Verdict
from agent.receive.messages import Checker, Received

TOPIC = "fengsui/1/#"
COUNTER = "_reads"


@dataclass(frozen=True, slots=True)
class Scan:
    """The readings of one message: raw values by tag name."""

    run: str
    backfill: bool
    raw: dict[str, float | None]
    quality: dict[str, int]


@dataclass
class Receiver:
    """Subscribes while entered; what it holds grows in another thread.

    `records`: every record once, in the order of arrival; `scans`: those with readings.
    """

    port: int
    password: str | None = None
    records: list[Received] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    book: Ledger = field(default_factory=lambda: Ledger(from_start=True))

    def __post_init__(self) -> None:
        self._checker = Checker()
        self._tags: dict[str, dict[int, str]] = defaultdict(dict)
        self._reads: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._subscribed = Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)

    def __enter__(self) -> Self:
        if self.password is not None:
            self._client.username_pw_set("receiver", self.password)
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        assert self._subscribed.wait(10), "the broker does not let us subscribe"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def faults(self) -> int:
        """Holes, conflicts, broken messages, impostors."""
        return int(self.book.summary()["faults"])

    def contents(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one kind, each once."""
        return [received.content for received in list(self.records) if received.kind == kind]

    def events(self, name: str, rule: str | None = None) -> list[dict[str, Any]]:
        """Return the events of one name, of one subject where that is given."""
        return [
            event
            for event in self.contents("event")
            if event["event"] == name and rule in (None, event["rule"])
        ]

    def gaps(self) -> list[dict[str, Any]]:
        """Return the times without data that have ended."""
        return [gap for gap in self.contents("gap") if gap["end"]["boot_ms"] is not None]

    def counters(self, device: str, run: str | None = None) -> list[int]:
        """Return the values of a counting device's counter, one for each key under which one came."""
        return [number for found, number in list(self._reads[device]) if run in (None, found)]

    def unread(self, device: str) -> list[str]:
        """Return the run of each Bad reading of a counting device's counter."""
        return [scan.run for scan in list(self.scans) if scan.raw.get(device + COUNTER, 0) is None]

    def outstanding(self, run: str) -> dict[str, int] | None:
        """Return, by stream, how many of all records that the gateway ever made are neither here nor lost.

        None until `run` has said that it stopped; what the gateway says of itself is from then.
        """
        last = next((status for status in reversed(list(self.statuses)) if status["run"] == run), None)
        if last is None or last["reason"] != "stopped":
            return None
        here = Counter(received.key.stream for received in list(self.records) if received.key)
        return {
            stream: count["recorded"]["records"]
            - sum(lost["records"] for lost in count["lost"].values())
            - here[stream]
            for stream, count in last["ledger"].items()
        }

    def runs(self) -> set[str]:
        """Return the runs of which anything has arrived."""
        return {received.key.run for received in list(self.records) if received.key}

    def _note(self, content: dict[str, Any]) -> None:
        names = self._tags[content["meta"]]
        scan = Scan(
            run=content["run"],
            backfill=content["backfill"],
            raw={names[row[0]]: row[1] for row in content["rows"]},
            quality={names[row[0]]: row[3] for row in content["rows"]},
        )
        self.scans.append(scan)
        for name, raw in scan.raw.items():
            if name.endswith(COUNTER) and raw is not None:
                self._reads[name.removesuffix(COUNTER)].append((scan.run, int(raw)))

    def _on_connect(self, client: Client, *_: object) -> None:
        client.subscribe(TOPIC, qos=1)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        received = self._checker.check(message.payload)
        verdict = self.book.enter(received)
        if received.kind == "meta":
            self._tags[received.content["meta"]] |= {
                tag["tag"]: tag["name"] for tag in received.content["tags"]
            }
        elif received.kind == "status":
            self.statuses.append(received.content)
        if verdict is Verdict.NEW:
            self.records.append(received)
            if received.kind == "readings":
                self._note(received.content)


def as_ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """Return numbers as ranges, for messages that people can read."""
    found = Ranges()
    for number in sorted(numbers):
        found.add(number)
    return list(found)
