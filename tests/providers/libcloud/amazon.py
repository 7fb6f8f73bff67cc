"""moto as libcloud can read it: in EC2's namespace, as libcloud overlooks what stands in moto's."""

import http.client
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode, urlsplit

from cloudmesh_sdk.providers.libcloud import LibcloudCloud
from cloudmesh_sdk.testing import Reply, Request

IMAGE = "ami-12c6146b"
"""One that moto has."""
SPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
"""The namespace in which EC2 answers libcloud, which asks for that version."""


def amazon(url: str, **chosen: Any) -> LibcloudCloud:
    """Return libcloud's driver of EC2 at an address."""
    given = {"timeout": 20.0, "settle": 0.2, **chosen}
    settings = LibcloudCloud.Settings(
        provider="ec2", key="AKIAEXAMPLE", secret="wJalrEXAMPLE", region="us-east-1", url=url,
        options={"signature_version": "4"}, **given,
    )  # fmt: skip
    return LibcloudCloud("aws", settings)


def forward(moto: str, request: Request, *, own: Collection[str] = ()) -> Reply:
    """Ask moto, for one image of its hundreds, and return its answer in EC2's namespace.

    Answers to the actions in `own` stay in moto's.
    """
    action = request.query["Action"]
    few = {"ImageId.1": IMAGE} if action == "DescribeImages" else {}
    headers = {key: request.headers[key] for key in ("authorization", "x-amz-date")}
    parts = urlsplit(moto)
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        client.request(request.method, f"/?{urlencode({**request.query, **few})}", headers=headers)
        answer = client.getresponse()
        body = answer.read().decode()
    finally:
        client.close()
    if action not in own:
        body = re.sub(r'xmlns="[^"]*"', f'xmlns="{SPACE}"', body)
    return Reply(status=answer.status, body=body)
