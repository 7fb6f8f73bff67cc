"""Refusals are classified by their code."""

import pytest

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.providers.ec2.errors import Refused, classify, code_of, translated


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("AuthFailure", 401, AuthError),
        ("UnauthorizedOperation", 403, AuthError),
        ("AccessDenied", 403, AuthError),
        ("RequestExpired", 400, AuthError),
        ("ExpiredToken", 400, AuthError),
        ("InvalidClientTokenId", 403, AuthError),
        ("SignatureDoesNotMatch", 403, AuthError),
        ("InvalidInstanceID.NotFound", 400, NotFoundError),
        ("InvalidAMIID.NotFound", 400, NotFoundError),
        ("InvalidGroup.NotFound", 400, NotFoundError),
        ("InvalidAMIID.Malformed", 400, InvalidRequestError),
        ("InvalidParameterValue", 400, InvalidRequestError),
        ("MissingParameter", 400, InvalidRequestError),
        ("ACodeOfTomorrow", 400, InvalidRequestError),
        ("ACodeOfTomorrow", 500, UnavailableError),
        ("IdempotentParameterMismatch", 400, ConflictError),
        ("IncorrectInstanceState", 400, ConflictError),
        ("DependencyViolation", 400, ConflictError),
        ("OperationNotPermitted", 400, ConflictError),
        ("InvalidKeyPair.Duplicate", 400, ConflictError),
        ("InvalidGroup.InUse", 400, ConflictError),
        ("InsufficientInstanceCapacity", 500, QuotaError),
        ("InsufficientFreeAddressesInSubnet", 400, QuotaError),
        ("VcpuLimitExceeded", 400, QuotaError),
        ("InstanceLimitExceeded", 400, QuotaError),
        ("RequestLimitExceeded", 503, ThrottledError),
        ("RequestLimitExceeded", 400, ThrottledError),
        ("InternalError", 500, UnavailableError),
        ("ServiceUnavailable", 503, UnavailableError),
        ("InvalidAction", 400, UnsupportedError),
        ("UnsupportedOperation", 400, UnsupportedError),
    ],
)
def test_codes(code: str, status: int, error: type[BackendError]) -> None:
    assert classify(code, status) is error


def test_the_old_form_of_codes_is_known() -> None:
    with pytest.raises(AuthError) as caught, translated("aws", "RunInstances"):
        raise Refused("Client.AuthFailure", "no", status=401, request_id="req-9")
    assert code_of(caught.value) == "AuthFailure"
    assert caught.value.request_id == "req-9"


def test_the_message_says_cloud_action_code_and_words() -> None:
    with pytest.raises(QuotaError) as caught, translated("aws", "RunInstances"):
        raise Refused("InsufficientInstanceCapacity", "We have no more.", status=500)
    text = "aws refused RunInstances: InsufficientInstanceCapacity: We have no more"
    assert str(caught.value) == text
    assert not caught.value.transient


def test_bugs_are_not_translated() -> None:
    with pytest.raises(ZeroDivisionError), translated("aws", "RunInstances"):
        _ = 1 / 0
