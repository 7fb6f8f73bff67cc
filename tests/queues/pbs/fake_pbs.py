"""A small PBS for tests: commands that really run jobs here, and print what real ones print.

It stands in for a server that cannot run in CI: OpenPBS is in no package, its daemons bind every
address, and they want a home that nobody else may write to. So this shows the shape of PBS's
answers, held to captures by `test_rendering.py`; it does not show how PBS behaves.

`install(directory)` writes the commands; each changes the jobs in `jobs.json` under a lock. Every
job has a process of its own that ends it at its walltime, and writes down how it ended.
"""

import contextlib
import fcntl
import getopt
import getpass
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
HOST = "pbshost"
QUEUES = ("workq", "india", "maint", "closed")
COMMANDS = ("qstat", "qsub", "qdel", "qhold", "qrls", "pbsnodes")
_SLOTS = 16
_HERE = Path(__file__).resolve()

Row = dict[str, Any]


def install(directory: Path, *, writer: str = "head") -> None:
    """Write the commands into a directory; `writer` is `head` or `old`."""
    (directory / "writer").write_text(writer)
    for name in COMMANDS:
        command = directory / name
        command.write_text(
            f"#!{sys.executable} -SE\nimport sys; sys.path.insert(0, {str(ROOT)!r})\n"
            f"from tests.queues.pbs.fake_pbs import main\nmain({name!r}, {str(directory)!r})\n"
        )
        command.chmod(0o755)


def stop(directory: Path) -> None:
    """End all that runs."""
    with changing(directory) as rows:
        for row in rows.values():
            _kill(row)


@contextlib.contextmanager
def changing(directory: Path) -> Iterator[dict[str, Row]]:
    """Give the jobs, by key, and keep what is done to them; what is due happens before."""
    place = directory / "jobs.json"
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = json.loads(place.read_text()) if place.exists() else {}
        _step(directory, rows)
        yield rows
        _step(directory, rows)
        place.write_text(json.dumps(rows))


def main(command: str, directory: str) -> None:
    """Run one of the commands."""
    if command == "run":
        _run(Path(directory), sys.argv[1])
        return
    with changing(Path(directory)) as rows:
        code = _ACTS[command](Path(directory), rows, sys.argv[1:])
    sys.exit(code)


# what happens by itself


def _step(directory: Path, rows: dict[str, Row]) -> None:
    for key, row in rows.items():
        result = directory / f"{key}.end"
        if row["state"] == "R" and result.exists():
            code, at = json.loads(result.read_text())
            _end(row, 0 if row["deleted"] else code, at)
    for key, row in rows.items():
        if row["state"] == "H" and row["substate"] == 22:
            _look_at_others(row, rows)
        running = sum(other["state"] == "R" for other in rows.values())
        whole = rows.get(row["array"], row)
        waits = row["state"] == "Q" and whole["holds"] == "n" and whole["substate"] != 22
        if waits and row["indices"] is None and row["queue"] != "maint" and running < _SLOTS:
            _start(directory, key, row)
    for key, row in rows.items():
        if row["indices"] is not None and row["state"] != "F":
            _look_at_parts(row, [one for one in rows.values() if one["array"] == key])


def _end(row: Row, code: int | None, at: int) -> None:
    substate = 91 if row["deleted"] else 93 if code else 92
    row |= {"state": "F", "substate": substate, "exit": code, "ended": at}


def _look_at_others(row: Row, rows: dict[str, Row]) -> None:
    """Release a job that waits for others; delete it when what it waits for cannot come."""
    fates = []
    for how, id in row["after"]:  # noqa: A001
        other = rows.get(_key(id) or "")
        if other is None:
            return
        over, good = other["state"] == "F", other["exit"] == 0 and not other["deleted"]
        wanted = {"afterok": over and good, "afternotok": over and not good, "afterany": over}
        fates.append((wanted.get(how, other["state"] in ("R", "F")), over))
    if all(met for met, _ in fates):
        held = row["holds"] == "u"
        row |= {"substate": 20, "state": "H"} if held else {"substate": 10, "state": "Q"}
        row["holds"] = "u" if held else "n"
    elif any(over and not met for met, over in fates):
        row["deleted"] = True
        _end(row, None, int(time.time()))


def _look_at_parts(row: Row, parts: list[Row]) -> None:
    if all(one["state"] == "F" for one in parts):
        bad = any(one["exit"] for one in parts)
        row["deleted"] = row["deleted"] or all(one["deleted"] for one in parts)
        _end(row, int(bad), max(one["ended"] for one in parts))
        row["substate"] = 91 if row["deleted"] else 92
    elif any(one["state"] != "Q" for one in parts):
        row |= {"state": "B", "substate": 70, "started": row["started"] or int(time.time())}


def _start(directory: Path, key: str, row: Row) -> None:
    row |= {"state": "R", "substate": 42, "started": int(time.time())}
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"from tests.queues.pbs.fake_pbs import main; main('run', {str(directory)!r})"
    )
    script = directory / f"{row['array'] or key}.job"
    job = {**row, "script": str(script), "id": _id(key, row)}
    (directory / f"{key}.start").write_text(json.dumps(job))
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, "-SE", "-c", code, key],
        stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True,
    )  # fmt: skip
    row["process"] = process.pid


def _run(directory: Path, key: str) -> None:
    """Be the process of a job: end it in time, and write down how it ended."""
    signal.signal(signal.SIGTERM, lambda *_: None)  # that is for what it runs
    job = json.loads((directory / f"{key}.start").read_text())
    env = {**os.environ, **job["env"], "PBS_JOBID": job["id"], "PBS_ENVIRONMENT": "PBS_BATCH"}
    if job["index"] is not None:
        env["PBS_ARRAY_INDEX"] = str(job["index"])
    out, err = Path(job["output"]), Path(job["error"])
    with out.open("wb") as stdout, stdout if job["joined"] else err.open("wb") as stderr:
        process = subprocess.Popen(
            [job["script"]], cwd=Path.home(), env=env, stdin=subprocess.DEVNULL,
            stdout=stdout, stderr=stderr,
        )  # fmt: skip
        try:
            code = process.wait(job["walltime"])
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = -29
        else:
            code = code if code >= 0 else 256 - code
    new = directory / f"{key}.end.new"
    new.write_text(json.dumps([code, int(time.time())]))
    new.rename(directory / f"{key}.end")
    with changing(directory):
        pass  # so that those that wait for it begin


def _kill(row: Row) -> None:
    """End a job's script, but not who writes down how it ended."""
    if row["state"] == "R" and row["process"]:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(row["process"], signal.SIGTERM)


# ids


def _id(key: str, row: Row) -> str:
    if row["indices"] is not None:
        return f"{key}[].{HOST}"
    return f"{key.partition('.')[0]}[{row['index']}].{HOST}" if row["array"] else f"{key}.{HOST}"


def _key(id: str) -> str | None:  # noqa: A002
    """Return the key of a job: `5`, `5` for `5[]`, `5.2` for `5[2]`."""
    found = re.fullmatch(rf"(\d+)(?:\[(\d*)\])?(?:\.{HOST})?", id)
    if found is None:
        return None
    return f"{found[1]}.{found[2]}" if found[2] else found[1]


def _say(command: str, *words: str) -> None:
    sys.stderr.write(f"{command}: {' '.join(words)}\n")


def _named(command: str, rows: dict[str, Row], ids: list[str]) -> tuple[list[str], int]:
    """Return the keys of jobs, and the exit status that unknown ones make."""
    keys, code = [], 0
    for id in ids:  # noqa: A001
        key = _key(id)
        if key is None:
            _say(command, "illegally formed job identifier:", id)
            code = code or 1
        elif key not in rows:
            _say(command, "Unknown Job Id", id if HOST in id else f"{id}.{HOST}")
            code = 153
        else:
            keys.append(key)
    return keys, code


# commands


_OPTIONS = "A:e:hj:J:l:N:o:q:v:VW:"
_NAME = re.compile(r"[A-Za-z0-9_+.-]+", re.ASCII)


def qsub(directory: Path, rows: dict[str, Row], argv: list[str]) -> int:
    try:
        given = getopt.getopt(argv, _OPTIONS)[0]
    except getopt.GetoptError as error:
        _say("qsub", "invalid option --", f"'{error.opt}'")
        sys.stderr.write("usage: qsub [-a date_time] ...\n")
        return 2
    script = sys.stdin.buffer.read().decode(errors="surrogateescape")
    for line in script.splitlines():
        if line.startswith("#PBS"):
            given = [*getopt.getopt(shlex.split(line[4:]), _OPTIONS)[0], *given]
        elif line and not line.startswith("#"):
            break
    options = dict(given)
    if (refused := _refused(options)) is not None:
        _say("qsub", refused[1])
        if refused[0] == 2:
            sys.stderr.write("usage: qsub [-a date_time] ...\n")
        return refused[0]
    number = str(len([key for key in rows if "." not in key]))
    rows[number] = row = _row(number, options, given)
    for index in _indices(options.get("-J")) or ():
        part = {"array": number, "index": index, "indices": None, "state": "Q", "substate": 10}
        for file in ("output", "error"):
            part[file] = f"{row[file]}.{index}"
        rows[f"{number}.{index}"] = {**row, **part}
    path = directory / f"{number}.job"
    path.write_text(script, errors="surrogateescape")
    path.chmod(0o700)
    sys.stdout.write(f"{_id(number, row)}\n")
    return 0


def _refused(options: dict[str, str]) -> tuple[int, str] | None:
    name, queue = options["-N"], options.get("-q", QUEUES[0])
    if len(name) > 230:
        return 2, "Job name is too long "
    if not _NAME.fullmatch(name):
        return 2, "illegal -N value"
    if queue not in QUEUES:
        return 170, "Unknown queue"
    return (173, "Queue is not enabled") if queue == "closed" else None


def _row(number: str, options: dict[str, str], given: list[tuple[str, str]]) -> Row:
    name, here = options["-N"], Path.cwd()
    resources = dict(
        part.partition("=")[::2] for flag, word in given if flag == "-l"
        for part in re.split(r",(?=[a-z]+=)", word)
    )  # fmt: skip
    attributes = dict(word.partition("=")[::2] for flag, word in given if flag == "-W")
    after = [
        (how, id) for part in attributes.get("depend", "").split(",") if part
        for how, *ids in [part.split(":")] for id in ids  # noqa: A001
    ]  # fmt: skip
    held = "-h" in options
    hours, minutes, seconds = map(int, resources.get("walltime", "01:00:00").split(":"))
    return {
        "name": name, "queue": options.get("-q", QUEUES[0]), "account": options.get("-A"),
        "state": "H" if held or after else "Q", "substate": 22 if after else 20 if held else 10,
        "holds": "u" if held else "s" if after else "n", "after": after, "deleted": False,
        "resources": resources, "walltime": hours * 3600 + minutes * 60 + seconds,
        "env": _environment(options.get("-v", "")), "created": int(time.time()), "started": None,
        "ended": None, "exit": None, "process": None, "array": None, "index": None,
        "indices": options.get("-J"), "throttle": attributes.get("max_run_subjobs"),
        "output": str(here / options.get("-o", f"{name}.o{number}")),
        "error": str(here / options.get("-e", f"{name}.e{number}")),
        "joined": options.get("-j") == "oe", "arguments": shlex.join(sys.argv[1:]),
        "workdir": str(here),
    }  # fmt: skip


def _environment(word: str) -> dict[str, str]:
    parts = (part.partition("=") for part in word.split(",") if part)
    return {name: value if equal else os.environ[name] for name, equal, value in parts}


def _indices(word: str | None) -> range | None:
    found = re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?", word or "")
    return None if found is None else range(int(found[1]), int(found[2]) + 1, int(found[3] or 1))


def qdel(directory: Path, rows: dict[str, Row], argv: list[str]) -> int:
    keys, code = _named("qdel", rows, argv)
    for key in keys:
        if rows[key]["state"] == "F":
            _say("qdel", "Job has finished", _id(key, rows[key]))
            code = 35
        for one in [rows[key], *(row for row in rows.values() if row["array"] == key)]:
            if one["state"] == "F":
                continue
            one["deleted"] = True
            _kill(one)
            if one["state"] != "R" and (one["indices"] is None or one["state"] != "B"):
                _end(one, None, int(time.time()))
    return code


def qhold(directory: Path, rows: dict[str, Row], argv: list[str]) -> int:
    keys, code = _named("qhold", rows, argv)
    for key in keys:
        row = rows[key]
        row["holds"] = "u"
        if row["state"] == "Q":
            row |= {"state": "H", "substate": 20}
    return code


def qrls(directory: Path, rows: dict[str, Row], argv: list[str]) -> int:
    keys, code = _named("qrls", rows, argv)
    for key in keys:
        row = rows[key]
        row["holds"] = "n" if row["substate"] != 22 else "s"
        if row["state"] == "H" and row["substate"] == 20:
            row |= {"state": "Q", "substate": 10}
    return code


def qstat(directory: Path, rows: dict[str, Row], argv: list[str]) -> int:
    from tests.queues.pbs import fake_shapes

    if argv == ["--version"]:
        sys.stdout.write("pbs_version = 23.06.06\n")
        return 0
    given, ids = getopt.gnu_getopt(argv, "xtfQBF:")
    options = dict(given)
    shape = fake_shapes.Shape(directory, form=options["-F"])
    if "-B" in options or "-Q" in options:
        kind, things = fake_shapes.others(rows, queues="-Q" in options)
        shape.show(kind, things)
        return 0
    keys, code = _named("qstat", rows, ids) if ids else (list(rows), 0)
    wanted = []
    for key in keys:
        row = rows[key]
        over = row["state"] == "F" or (row["array"] and rows[row["array"]]["state"] == "F")
        if over and "-x" not in options:
            if ids:
                _say("qstat", _id(key, row), "Job has finished, use -x or -H to obtain "
                     "historical job information")  # fmt: skip
                code = 35
        elif key in map(_key, ids) or not row["array"] or "-t" in options:
            wanted.append(key)
            if ids and "-t" in options and row["indices"] is not None:
                wanted += [one for one in rows if rows[one]["array"] == key]
    shape.show("Jobs", [fake_shapes.job(_id(key, rows[key]), rows, key) for key in wanted], ids)
    return code


def pbsnodes(directory: Path, rows: dict[str, Row], argv: list[str]) -> int:
    from tests.queues.pbs import fake_shapes

    form = dict(getopt.getopt(argv, "avF:")[0])["-F"]
    fake_shapes.Shape(directory, form=form).show("nodes", [fake_shapes.node(rows)])
    return 0


_ACTS = {
    "qstat": qstat, "qsub": qsub, "qdel": qdel, "qhold": qhold, "qrls": qrls, "pbsnodes": pbsnodes,
}  # fmt: skip


def user() -> str:
    """Return who we are."""
    return getpass.getuser()
