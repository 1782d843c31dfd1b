"""What the example plants say is understood by whoever receives it: their dictionary and every event."""

from __future__ import annotations

import pytest

from agent.dictionary import pack_tags, unpack_tags
from agent.findings import pack_event
from agent.receive.messages import Checker
from config.vocabulary import RecordKind
from filters.kernels import Kernels
from tests.profiles.story import happenings, names, plant_of
from tests.records.messages import ANCHOR, CODEC, on_events


@pytest.mark.parametrize("plant", sorted({name.partition("/")[0] for name in names()}))
def test_the_receiver_takes_the_dictionary_of_a_plant_with_rules(plant: str) -> None:
    dictionary = unpack_tags(pack_tags(plant_of(plant), ()))
    for message in CODEC.meta(dictionary, current=True):
        Checker().check(message.payload)


@pytest.mark.parametrize("name", names())
def test_the_receiver_takes_every_event_of_a_story(name: str, compiled: Kernels) -> None:
    dictionary = unpack_tags(pack_tags(plant_of(name.partition("/")[0]), ()))
    for seq, event in enumerate(happenings(name, compiled), start=1):
        record = on_events(RecordKind.EVENT, pack_event(event, dictionary), seq)
        Checker().check(CODEC.encode(record, None, ANCHOR, backfill=False).payload)
