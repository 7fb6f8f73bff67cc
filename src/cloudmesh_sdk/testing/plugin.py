"""The pytest plug-in: makes the kit's assertions speak."""

import pytest

pytest.register_assert_rewrite("cloudmesh_sdk.testing")
