"""What tests on the Slurm lab may count on."""

import json
import urllib.request

import pytest
from tests.labs.slurm_lab import SlurmLab

pytestmark = pytest.mark.slurm


def test_two_machines_share_one_controller(slurm_lab: SlurmLab) -> None:
    lines = slurm_lab.run("sinfo", "-h", "-o", "%R %N").splitlines()
    nodes = dict(line.split() for line in lines)
    assert nodes["india"] == "i[001-004]"
    assert nodes["sierra"] == "s[001-004]"
    assert nodes["shared"] == "i004,s004"


def test_a_job_runs_as_another_user(slurm_lab: SlurmLab) -> None:
    out = slurm_lab.jobs / "who.out"
    words = ("sbatch", "--wait", "--parsable", f"--output={out}")
    slurm_lab.run(*words, user=slurm_lab.other_user, send="#!/bin/sh\nid -un\n")
    assert out.read_text().split() == [slurm_lab.other_user]


def test_slurmrestd_takes_our_token(slurm_lab: SlurmLab) -> None:
    token = slurm_lab.token()
    request = urllib.request.Request(
        f"{slurm_lab.url}/slurm/v0.0.38/ping",
        headers={"X-SLURM-USER-NAME": "root", "X-SLURM-USER-TOKEN": token},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["errors"] == []


def test_the_controller_counts_what_it_is_asked(slurm_lab: SlurmLab) -> None:
    before = slurm_lab.asked()
    slurm_lab.run("squeue")
    after = slurm_lab.asked()
    more = after["REQUEST_JOB_INFO"] - before.get("REQUEST_JOB_INFO", 0)
    assert more == 1
