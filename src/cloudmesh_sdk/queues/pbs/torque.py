"""Torque's XML (`qstat -f -x`, `pbsnodes -x`) as records.

Written from Torque's documentation and from answers that others have published: it was never run
against a real server.
"""

import logging
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import attrs

from cloudmesh_sdk.masking import hidden
from cloudmesh_sdk.models import Job, Node
from cloudmesh_sdk.queues.pbs import records, states, values
from cloudmesh_sdk.queues.pbs.answers import NoAnswerError, variables
from cloudmesh_sdk.queues.pbs.values import Told, group, word

_log = logging.getLogger(__name__)
_PIECE = {name: re.compile(rf"<{name}>.*?</{name}>", re.DOTALL) for name in ("Job", "Node")}
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LISTS = ("status",)


def pieces(cloud: str, answer: bytes, name: str) -> Iterator[dict[str, Any]]:
    """Yield what is told of each job or node; one that cannot be read is told in the log.

    Raises `NoAnswerError` where it is no XML of Torque. Nothing at all means that there are none.
    """
    text = _NO_XML.sub("\ufffd", answer.decode(errors="replace")).strip()
    if not text:
        return
    if "<Data>" not in text or not text.endswith("</Data>"):
        raise NoAnswerError("it is cut off or no XML of Torque")
    for piece in _PIECE[name].findall(text):
        try:
            # a fragment without declarations of its own: no entities to expand
            yield _told(ElementTree.fromstring(piece))  # noqa: S314
        except ElementTree.ParseError as error:
            _log.warning("%s: of a %s cannot be read what is told: %s", cloud, name, error)


def job(cloud: str, told: Told) -> Job:
    """Return the record of a job; `C` (completed) is listed as long as the server keeps it."""
    resources = group(told, "Resource_List")
    wanted = values.text(word(resources, "nodes"))
    slots = dict(values.slots(values.text(word(told, "exec_host"))))
    made = records.job(cloud, str(word(told, "Job_Id") or ""), told)
    return attrs.evolve(
        made,
        nodes=len(slots) or made.nodes,
        cores=sum(slots.values())
        or values.total(wanted, "ppn")
        or values.number(word(resources, "procs"))
        or made.cores,
        gpus=values.total(wanted, "gpus"),
        hosts=",".join(slots),
        started=made.started or values.time(word(told, "start_time")),
        workdir=values.text(word(told, "init_work_dir")) or made.workdir,
    )


def node(cloud: str, told: Told) -> Node:
    """Return the record of a node."""
    status = group(told, "status")
    jobs = [part for part in str(word(told, "jobs") or "").split(",") if part.strip()]
    used = sum(values.places(part.strip().partition("/")[0]) for part in jobs)
    name = str(word(told, "name") or "")
    properties = str(word(told, "properties") or "")
    return Node(
        cloud=cloud,
        id=name,
        name=name,
        state=states.node_state(str(word(told, "state")).split(","), used=bool(jobs)),
        cores=values.number(word(told, "np")) or None,
        cores_used=used,
        memory=values.mebibytes(word(status, "physmem")),
        gpus=values.number(word(told, "gpus")),
        load=_load(word(status, "loadave")),
        features=tuple(part for part in properties.split(",") if part),
        reason=values.text(word(told, "note")),
        native=hidden(told),
    )


def _told(element: ElementTree.Element) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for child in element:
        text = child.text or ""
        if len(child):
            told[child.tag] = _told(child)
        elif child.tag == "Variable_List":
            told[child.tag] = variables(text)
        elif child.tag in _LISTS:
            told[child.tag] = dict(part.partition("=")[::2] for part in text.split(","))
        else:
            told[child.tag] = text
    return told


def _load(value: str | float | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
