#!/bin/sh
# Installs Cloudmesh from this checkout into a virtual environment, in three phases.
set -eu

usage() {
    cat <<'EOF'
usage: sh install.sh [--dev] [--phase NAME]... [--extras NAMES] [--venv DIR] [--dry-run]

Three phases, all of them unless --phase names some:
  system         packages of the operating system (by apt-get, as root; else says what is missing)
  requirements   the virtual environment, and the Python packages that Cloudmesh builds on
  cloudmesh      the cloudmesh programs, run from this checkout

options:
  --dev            also what contributors need: nox, test and lint tools
  --phase NAME     run this phase only; may be repeated
  --extras NAMES   extras to install, such as ec2,shell (demo; with --dev: all)
  --venv DIR       the virtual environment (.venv beside this file)
  --dry-run        print every command, run none
  --help           print this

The environment variable PYTHON names the Python (3.11 or newer) to build it with.
EOF
}

say() { printf '%s\n' "$*"; }

wrong() {
    say "install.sh: $1; sh install.sh --help lists the options" >&2
    exit 2
}

fail() {
    say "install.sh: $1" >&2
    exit 1
}

# --- options ------------------------------------------------------------------------------------

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dev=no dry=no phases='' extras='' venv=$here/.venv

value() { # value OPTION COUNT: complain where an option stands last
    [ "$2" -gt 1 ] || wrong "$1 needs a value"
}

while [ $# -gt 0 ]; do
    case $1 in
    --dev) dev=yes ;;
    --dry-run) dry=yes ;;
    --phase)
        value "$1" $#
        case $2 in
        system | requirements | cloudmesh) phases="$phases $2" ;;
        *) wrong "there is no phase '$2' (system, requirements, cloudmesh)" ;;
        esac
        shift
        ;;
    --extras)
        value "$1" $#
        case $2 in
        '' | *[!a-z0-9,-]*) wrong "--extras wants names with commas between, found '$2'" ;;
        esac
        extras=$2
        shift
        ;;
    --venv)
        value "$1" $#
        case $2 in
        '') wrong '--venv wants a folder' ;;
        /*) venv=$2 ;;
        *) venv=$PWD/$2 ;;
        esac
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) wrong "there is no option '$1'" ;;
    esac
    shift
done

: "${phases:=system requirements cloudmesh}"
if [ -z "$extras" ]; then
    extras=demo
    [ $dev = no ] || extras=all
fi

# --- tools --------------------------------------------------------------------------------------

run() { # print the command in a dry run, else run it
    if [ $dry = yes ]; then
        say "  + $*"
    else
        "$@"
    fi
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# The first Python on PATH that runs and is new enough; PYTHON decides where it is set.
find_python() (
    if [ -n "${PYTHON:-}" ]; then
        if new_enough "$PYTHON"; then say "$PYTHON"; fi
        exit
    fi
    IFS=:
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        for folder in $PATH; do
            if [ -x "$folder/$name" ] && new_enough "$folder/$name"; then
                say "$folder/$name"
                exit
            fi
        done
    done
)

known_to_apt() { apt-cache show "$1" 2>/dev/null | grep -q '^Package:'; }

# The first of some package names that this release of the system has, else the last.
first_known() {
    for name in "$@"; do
        if known_to_apt "$name"; then break; fi
    done
    say "$name"
}

# What is missing, as names of Debian packages.
missing_packages() {
    python=$(find_python)
    if [ -z "$python" ]; then
        new=$(first_known python3.13 python3.12 python3.11)
        say "$new $new-venv"
        python=false
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        say "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    fi
    # The embedded MongoDB is linked to these two.
    if [ "$(uname -m)" = x86_64 ]; then
        has_library "$python" libcurl.so.4 || first_known libcurl4t64 libcurl4
        has_library "$python" libssl.so.3 || first_known libssl3t64 libssl3
    fi
    if [ $dev = yes ] && ! command -v git >/dev/null 2>&1; then say git; fi
}

has_library() { "$1" -c "import ctypes; ctypes.CDLL('$2')" >/dev/null 2>&1; }

# --- phase 1 ------------------------------------------------------------------------------------

phase_system() {
    if ! command -v apt-get >/dev/null 2>&1; then
        say '  this system has no apt-get. Wanted: Python 3.11 or newer with venv; for the embedded'
        say '  MongoDB on Linux x86-64: libcurl 4 and OpenSSL 3; elsewhere: a mongod on PATH, or a URI'
        return
    fi
    packages=$(missing_packages | tr '\n' ' ')
    if [ -z "${packages% }" ]; then
        say '  all there'
    elif [ "$(id -u)" = 0 ]; then
        say "  missing: ${packages% }"
        apt_install
    else
        say "  missing: ${packages% }"
        say '  this needs an administrator, who can run:'
        say "      apt-get update && apt-get install -y ${packages% }"
        say '  going on without'
    fi
}

apt_install() {
    run apt-get update -q || say '  the package lists could not be renewed; trying with those at hand'
    packages=$(missing_packages | tr '\n' ' ') # names may be known better now
    # shellcheck disable=SC2086 # one word a package
    run env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages ||
        say "  apt-get did not install ${packages% }; going on without"
}

# --- phase 2 ------------------------------------------------------------------------------------

# Prints, one a line, what the extras (and with --dev the group dev) ask for, our own name unfolded.
requirements_of='
import re, sys, tomllib
with open("pyproject.toml", "rb") as file:
    data = tomllib.load(file)
project, groups = data["project"], data["dependency-groups"]
table, lines = project["optional-dependencies"], list(project["dependencies"])
def extra(name):
    if name not in table:
        sys.exit("install.sh: there is no extra %r; there are: %s" % (name, ", ".join(sorted(table))))
    for line in table[name]:
        own = re.fullmatch(re.escape(project["name"]) + r"\[(.*)\]", line)
        for inner in own[1].split(",") if own else ():
            extra(inner.strip())
        lines.extend([] if own else [line])
def group(name):
    for line in groups[name]:
        group(line["include-group"]) if isinstance(line, dict) else lines.append(line)
for name in sys.argv[1].split(","):
    extra(name)
if sys.argv[2] == "yes":
    group("dev")
print("\n".join(dict.fromkeys(lines)))
'

pip_install() {
    # PIP_USER of the caller would point pip away from the virtual environment.
    run env PIP_USER=0 "$venv/bin/python" -m pip install \
        --quiet --disable-pip-version-check --no-input "$@" ||
        fail 'pip did not install it; the reason stands above'
}

phase_requirements() {
    make_venv
    say "  Python packages for cloudmesh[$extras], which may take a few minutes"
    if [ $dry = no ]; then
        "$venv/bin/python" -c "$requirements_of" "$extras" $dev >"$venv/requirements.txt" || exit 1
    fi
    pip_install -r "$venv/requirements.txt"
}

make_venv() {
    if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        new_enough "$venv/bin/python" || fail "$venv has a Python older than 3.11; remove it, or use --venv"
        say "  using the virtual environment $venv"
        return
    fi
    python=$(find_python)
    [ -n "$python" ] || [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not a Python 3.11 or newer"
    [ -n "$python" ] || [ $dry = yes ] ||
        fail 'no Python 3.11 or newer is on PATH; install one, or name it: PYTHON=/path/to/python3 sh install.sh'
    say "  making the virtual environment $venv"
    if [ $dry = no ] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        command -v virtualenv >/dev/null 2>&1 ||
            fail "$python lacks venv; an administrator can run: apt-get install -y python3-venv"
        run virtualenv --quiet --python "$python" "$venv" || fail "virtualenv could not make $venv"
    else
        run "${python:-python3}" -m venv "$venv" || fail "$python could not make $venv"
    fi
}

# --- phase 3 ------------------------------------------------------------------------------------

phase_cloudmesh() {
    [ $dry = yes ] || [ -x "$venv/bin/python" ] ||
        fail "there is no virtual environment $venv; run: sh install.sh --phase requirements"
    pip_install --editable "$here[$extras]"
    say "  the shell is $venv/bin/cm"
}

# --- all ----------------------------------------------------------------------------------------

cd -- "$here"
for phase in $phases; do
    case $phase in
    system) say 'system: packages of the operating system' ;;
    requirements) say 'requirements: the virtual environment and what Cloudmesh builds on' ;;
    cloudmesh) say 'cloudmesh: the programs, from this checkout' ;;
    esac
    "phase_$phase"
done
