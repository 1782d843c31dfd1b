from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import MOSQUITTO, iotcore, mosquitto
from tests.uplinks.contract_suite import ConversationContract
from tests.uplinks.mqtt_platform import MqttPlatform


class TestPahoWithIotcore(ConversationContract):
    @pytest.fixture
    def platform(self, tmp_path: Path) -> Iterator[MqttPlatform]:
        with iotcore(tmp_path) as broker:
            yield MqttPlatform(broker)


@pytest.mark.skipif(MOSQUITTO is None, reason="Debian's mosquitto is not installed")
class TestPahoWithMosquitto(ConversationContract):
    @pytest.fixture
    def platform(self, tmp_path: Path) -> Iterator[MqttPlatform]:
        with mosquitto(tmp_path) as broker:
            yield MqttPlatform(broker)
