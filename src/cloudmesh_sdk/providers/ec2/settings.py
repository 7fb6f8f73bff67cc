"""What the EC2 driver reads from the configuration."""

import attrs

from cloudmesh_sdk.options import option

PUBLISHERS = ("amazon", "099720109477", "136693071363")
"""Owners of public images by default: Amazon, Canonical (Ubuntu), Debian."""

IMAGE_NAMES = ("al2023-ami-2023*", "ubuntu/images/hvm-ssd*/ubuntu-*-server-*", "debian-1*")
"""Public images by default: EC2 has more than 100,000, few of which anybody starts."""


@attrs.frozen(kw_only=True)
class Ec2Settings:
    """One account at one region of EC2, or at an endpoint that speaks its Query API."""

    region: str = option("region, as in us-east-1", default="us-east-1")
    endpoint: str | None = option(
        "URL of the EC2 API where it is not Amazon's: https://host[:port][/path]", default=None
    )
    access_key: str | None = option("access key id; left out: the profile's", default=None)
    secret_key: str | None = option("secret access key", default=None, secret=True)
    session_token: str | None = option("token of temporary credentials", default=None, secret=True)
    profile: str | None = option(
        "AWS profile whose credentials to use (SSO and assumed roles too); left out with the "
        "keys: AWS's default chain",
        default=None,
    )
    image_owners: tuple[str, ...] = option(
        "owners of the images to list: self, amazon, account ids", default=("self", *PUBLISHERS)
    )
    image_names: tuple[str, ...] = option(
        "name patterns (* and ?) that images of other owners must match; empty: all of them",
        default=IMAGE_NAMES,
    )
    timeout: float = option("seconds that one call may take, tries again included", default=60.0)
    retries: int = option(
        "times to try again what may be repeated after a passing failure", default=4
    )
    page_size: int = option("servers or images to ask for at a time, 5 to 1000", default=1000)
    settle: float = option(
        "seconds after which lists surely show a server whose start was accepted", default=15.0
    )
    honours_token: bool = option(
        "the endpoint starts one server per ClientToken, as EC2 does; false for imitations that "
        "do not: a start then looks its token up first",
        default=True,
    )
    verify: bool = option("check the TLS certificate of the endpoint", default=True)
    ca_bundle: str | None = option(
        "file of CA certificates to trust in place of the usual ones", default=None
    )
