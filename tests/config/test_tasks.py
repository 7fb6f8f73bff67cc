"""`tasks` in cloudmesh.yaml: which broker, by which certificates; mistakes name their place."""

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError

WRONG = {
    "{broker: 7}": r"tasks\.broker: a text was wanted, found a number",
    "{broker: http://mq.example.org/}": r"tasks\.broker: a URI that begins with amqp://",
    "{broker: embedded, keyfile: a.key}": r"tasks\.keyfile: a key is of use with its certificate",
    "{broker: embedded, certfile: [a]}": r"tasks\.certfile: a text was wanted",
    "{broker: embedded, concurrency: 0}": r"tasks\.concurrency: .* 1 or more",
    "{brokr: embedded}": "brokr",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_names_its_place(text: str) -> None:
    with pytest.raises(ConfigError, match=WRONG[text]):
        Config.parse(f"tasks: {text}")


def test_without_a_broker_there_is_none() -> None:
    assert not Config.parse("tasks: {concurrency: 3}").tasks
    assert Config.parse("tasks: {broker: embedded}").tasks


def test_files_may_be_in_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/albert")
    tasks = Config.parse("tasks: {broker: 'env:B', cafile: ~/ca.pem, certfile: /etc/a.pem}").tasks
    assert tasks.certificates() == {
        "cafile": "/home/albert/ca.pem", "certfile": "/etc/a.pem", "keyfile": None,
    }  # fmt: skip


def test_a_password_in_clear_text_is_warned_of_and_shown_nowhere() -> None:
    config = Config.parse("tasks: {broker: 'amqps://albert:geheim@mq.example.org/'}")
    (warning,) = config.warnings
    assert "tasks.broker: a secret in clear text" in warning
    assert "geheim" not in f"{config!r} {config.tasks!r} {warning}"
