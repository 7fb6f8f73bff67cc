"""What a broker's refusals mean, in our words: the one place where they are translated."""

import ssl
from collections.abc import Callable
from typing import Any

import amqp


def _login(error: Any) -> str:
    if "Login" in str(error.message):
        return "refused the user name or password"
    return f"does not allow that to this user: {error.message}"


_LASTING: tuple[tuple[type[Exception], Callable[[Any], str]], ...] = (
    (amqp.exceptions.AccessRefused, _login),
    (amqp.exceptions.NotAllowed, lambda e: f"does not let this user in: {e.message}"),
    (
        ssl.SSLCertVerificationError,
        lambda e: f"shows a certificate that is not trusted: {e.verify_message.strip(' .')}",
    ),
    (ssl.SSLError, lambda e: f"does not agree with us on TLS: {_reason(e)}"),
)
"""What asking again does not mend → what it means; the first that fits."""

_CLOSED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""The connection ended in the middle. A refused certificate looks like that, too, when the broker
is quick: in TLS 1.3 it is looked at after we took the handshake to be over."""


def meaning(error: BaseException) -> tuple[str, bool]:
    """Return what an error means, as the end of a sentence, and whether it lasts."""
    first: BaseException | None = error
    while first is not None:
        if isinstance(first, _CLOSED):
            return "closed the connection: it stops, or does not take our tasks.certfile", False
        for kind, words in _LASTING:
            if isinstance(first, kind):
                return words(first), True
        first = first.__cause__  # the libraries wrap what was raised
    return f"does not answer: {error}", False


def _reason(error: ssl.SSLError) -> str:
    """Return OpenSSL's word for what is wrong, `TLSV13_ALERT_CERTIFICATE_REQUIRED`, in words."""
    found = (error.reason or "no reason was given").lower()
    return found.rpartition("_alert_")[2].replace("_", " ")
