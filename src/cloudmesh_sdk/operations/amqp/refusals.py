"""What a broker's refusals mean, in our words: the one place where they are translated."""

import ssl
from collections.abc import Callable
from typing import Any

import amqp
import attrs
import kombu

ERRORS = (kombu.exceptions.OperationalError, amqp.exceptions.AMQPError, OSError)
"""What the libraries raise where a broker cannot be talked to."""


def _login(error: Any) -> str:
    if "Login" in str(error.message):
        return "refused the user name or password"
    return f"does not allow that to this user: {error.message}"


_LASTING: tuple[tuple[type[Exception], Callable[[Any], str], str], ...] = (
    (
        amqp.exceptions.AccessRefused,
        _login,
        "look at user and password in the URI that tasks.broker names",
    ),
    (
        amqp.exceptions.NotAllowed,
        lambda e: f"does not let this user in: {e.message}",
        "look at the end of the URI that tasks.broker names, and at rabbitmqctl list_permissions",
    ),
    (
        ssl.SSLCertVerificationError,
        lambda e: f"shows a certificate that is not trusted: {e.verify_message.strip(' .')}",
        "tasks.cafile names who may have signed it, and it must fit the host in the URI",
    ),
    (
        ssl.SSLError,
        lambda e: f"does not agree with us on TLS: {_reason(e)}",
        "look at the port in the URI, at tasks.certfile and at the broker's own log",
    ),
)
"""What asking again does not mend → what it means, and what to do; the first that fits."""

_CLOSED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""The connection ended in the middle. A refused certificate looks like that, too, when the broker
is quick: in TLS 1.3 it is looked at after we took the handshake to be over."""


@attrs.frozen(kw_only=True)
class Meaning:
    """What an error means."""

    text: str
    """The end of a sentence that begins with the broker."""
    advice: str
    """What to do about it."""
    lasting: bool = False
    """Asking again does not mend it."""


def meaning(error: BaseException) -> Meaning:
    """Return what an error means."""
    first: BaseException | None = error
    while first is not None:
        if isinstance(first, _CLOSED):
            return Meaning(
                text="closed the connection: it stops, or does not take our tasks.certfile",
                advice="its own log says which",
            )
        for kind, words, advice in _LASTING:
            if isinstance(first, kind):
                return Meaning(text=words(first), advice=advice, lasting=True)
        first = first.__cause__  # the libraries wrap what was raised
    advice = "look whether it runs there, and at host and port in the URI that tasks.broker names"
    return Meaning(text=f"does not answer: {error}", advice=advice)


def _reason(error: ssl.SSLError) -> str:
    """Return OpenSSL's word for what is wrong, `TLSV13_ALERT_CERTIFICATE_REQUIRED`, in words."""
    found = (error.reason or "no reason was given").lower()
    return found.rpartition("_alert_")[2].replace("_", " ")
