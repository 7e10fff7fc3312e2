#!/usr/bin/env bash
# The one door to Segue. `./run.sh help` says what there is; the first command sets everything up.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
local_folder=$root/.local
venv=$local_folder/venv
python=$venv/bin/python

uv_version=0.13.8
disk_gigabytes=6

# What can be asked for: command | Python module | its first argument | what it does | example
commands='
demo       | segue.demo.cli              |        | everything at once: a library, listeners, recommendations, the dashboard | ./run.sh demo --library ~/Music
up         | segue.local.cli             | up     | start the embedded Kafka and MongoDB                                      | ./run.sh up
down       | segue.local.cli             | down   | end everything that was started here; the data stay                      | ./run.sh down
status     | segue.local.cli             | status | what runs, where it answers, where its log is                            | ./run.sh status --json
ingest     | segue.batch_jobs.ingest_catalog   |        | take a folder of recordings into the catalogue                           | ./run.sh ingest ~/Music
compress   | segue.batch_jobs.compress_library |      | make the songs of a folder smaller, with tags and cover                  | ./run.sh compress --bitrate 64k ~/Music
features   | segue.batch_jobs.extract_features |        | compute the audio features of tracks that lack them                      | ./run.sh features
embeddings | segue.batch_jobs.train_embeddings |        | fit the audio space and place every track in it                          | ./run.sh embeddings
index      | segue.batch_jobs.build_index      |        | build the neighbour index, measure it, publish it                        | ./run.sh index
models     | segue.batch_jobs.train_models     |        | learn from plays: rules, implicit ALS, session embeddings                | ./run.sh models train
stream     | segue.streaming_jobs.recommend    |        | run the streaming job: plays to recommendations                          | ./run.sh stream
pack       | segue.spark.pack          |        | pack the streaming job for the workers of a Spark cluster                 | ./run.sh pack --to /srv/segue
replay     | segue.batch_jobs.replay_plays     |        | send plays to Kafka                                                      | ./run.sh replay --help
rejected   | segue.batch_jobs.rejected_plays   |        | look at plays that were rejected                                         | ./run.sh rejected --help
engagement | segue.batch_jobs.recount_engagement |     | count anew what listeners did                                            | ./run.sh engagement recount --check
listener   | segue.batch_jobs.listener_data    |        | give out or remove what is stored of a listener                          | ./run.sh listener export Ada
backup     | segue.batch_jobs.backup           | backup | save what cannot be computed again: accounts, playlists, listening       | ./run.sh backup segue.gz
restore    | segue.batch_jobs.backup           | restore | put a backup back                                                       | ./run.sh restore segue.gz
access     | segue.deploy.cli            |        | make the users of the jobs in MongoDB and Kafka, with what each may do         | ./run.sh access /etc/segue
audit      | segue.dependencies.cli      |        | compare the packages and jars with known vulnerabilities                 | ./run.sh audit --advisories PyPI.zip
dashboard  | segue.dashboard.serve             |        | serve the player, and the live and operations pages                      | ./run.sh dashboard
experiments | segue.batch_jobs.report_experiments |   | compare the variants that run side by side                               | ./run.sh experiments
evaluate   | segue.batch_jobs.evaluate         |        | compare the models on session logs                                        | ./run.sh evaluate --data ~/logs
tune       | segue.batch_jobs.tune             |        | search the weights of the hybrid on a validation split                    | ./run.sh tune --data ~/logs
bench      | segue.benchmarks                  |        | measure                                                                  | ./run.sh bench --help
deploy     | -                           |        | onto other machines, by compose, ssh or Kubernetes                       | ./run.sh deploy compose --dry-run
test       | -                           |        | check the code and run the tests; arguments go to pytest                 | ./run.sh test tests/index -k annoy
'

say() { printf '%s\n' "segue: $*" >&2; }
fail() { say "$*"; exit 1; }

# One line of the table above, its fields without the padding: row COMMAND → module|first argument|text|example
row() {
  printf '%s' "$commands" | sed 's/ *| */|/g; s/ *$//' | awk -F'|' -v wanted="$1" '$1 == wanted { print $2 "|" $3 "|" $4 "|" $5 }'
}

help() {
  echo 'Segue re-plans what you hear next while you listen.'
  echo
  echo 'usage: ./run.sh COMMAND [OPTIONS]        ./run.sh COMMAND --help says more'
  echo
  printf '%s' "$commands" | sed 's/ *| */|/g; s/ *$//' | awk -F'|' 'NF { printf "  %-11s %s\n  %-11s   %s\n", $1, $4, "", $5 }'
  echo
  echo 'Settings: conf/default.toml; SEGUE_KAFKA__BOOTSTRAP=host:9092 and SEGUE_MONGO__URI=mongodb://host use your own servers.'
}

# --- setting up -----------------------------------------------------------------------------------

find_python() {
  local candidate
  for candidate in python3 python3.12 python3.13 python3.11 python3.14 python; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  fail 'no Python 3.11 to 3.14 found: install one: apt install python3 python3-venv python3-dev'
}

check_machine() {
  local python3=$1 free
  "$python3" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$python3 cannot make virtual environments: install its venv module: apt install python3-venv"
  # Annoy comes as source only.
  command -v g++ >/dev/null || command -v c++ >/dev/null || command -v clang++ >/dev/null ||
    fail 'no C++ compiler found: install a C++ compiler: apt install g++ python3-dev'
  "$python3" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' ||
    fail "the headers of $python3 are missing: install them: apt install python3-dev"
  free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1000000) }')
  [ "$free" -ge "$disk_gigabytes" ] ||
    fail "only $free GB are free on the disk of $root: make room for $disk_gigabytes GB"
  [ "$(uname -sm)" = 'Linux x86_64' ] || [ -n "${SEGUE_MONGO__URI:-}" ] ||
    say 'the embedded MongoDB is for Linux on x86-64: here, name your own with SEGUE_MONGO__URI=mongodb://…'
}

# A stamp says what was set up from which files; it is written last, so that an interrupted set-up is done again.
packages_wanted() { echo "$("$python" -V 2>&1) $(cksum <"$root/requirements.txt") uv $uv_version"; }
packages_ready() { [ -x "$python" ] && [ "$(cat "$local_folder/packages" 2>/dev/null)" = "$(packages_wanted)" ]; }

set_up_packages() {
  local python3
  python3=$(find_python)
  check_machine "$python3"
  if ! "$python" -m pip --version >/dev/null 2>&1; then
    say "setting up (1/3): a virtual environment of $("$python3" -V)"
    rm -rf "$venv"
    "$python3" -m venv "$venv" || fail "$python3 could not make a virtual environment: apt install python3-venv"
  fi
  say 'setting up (2/3): the pinned Python packages, about 2 GB (once; a minute or a few)'
  "$python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version" ||
    fail 'the package installer uv could not be fetched: see to the network or to the settings of pip, then try again'
  "$python" -m uv pip sync --python "$python" --require-hashes "$root/requirements.txt" ||
    fail 'the Python packages could not be installed: the lines above say why; then try again'
  packages_wanted >"$local_folder/packages"
}

# The stamp of Java and the jars has three lines: the sum of ivy.xml, the caller's JAVA_HOME, the Java that was found.
java_ready() {
  local sum asked home
  [ -f "$local_folder/java-home" ] || return 1
  { read -r sum && IFS= read -r asked && IFS= read -r home; } <"$local_folder/java-home" || return 1
  [ "$sum" = "$(cksum <"$root/conf/ivy.xml")" ] && [ -x "$home/bin/java" ] && [ -d "$local_folder/jars/spark" ] || return 1
  # Under a command of ours JAVA_HOME is already what was found.
  [ "${JAVA_HOME:-}" = "$asked" ] || [ "${JAVA_HOME:-}" = "$home" ]
}

set_up_java() {
  local home
  say 'setting up (3/3): Java, and the jars of Kafka and of its Spark source'
  home=$(run_module segue.local.cli prepare)
  printf '%s\n' "$(cksum <"$root/conf/ivy.xml")" "${JAVA_HOME:-}" "$home" >"$local_folder/java-home"
}

set_up() {
  packages_ready && java_ready && return
  mkdir -p "$local_folder"
  # Two commands started at the same time: the second waits here and finds the work done.
  exec 9>"$local_folder/setup.lock"
  ! command -v flock >/dev/null || flock 9
  packages_ready || set_up_packages
  java_ready || set_up_java
  exec 9>&-
}

# --- running --------------------------------------------------------------------------------------

run_module() {
  # -P: a folder of the same name where the user happens to be is not ours.
  "$python" -P -m "$@"
}

run_tests() {
  if [ "${1:-}" = --help ]; then
    echo 'usage: ./run.sh test [cluster | fuzz] [PYTEST ARGUMENTS]'
    echo 'Check the style (ruff) and the types (mypy), then run the tests (pytest) with real Kafka, MongoDB and Spark.'
    echo 'test cluster: run those on a whole cluster of processes instead, which takes minutes and 6 GB of memory.'
    echo 'test fuzz: search for examples that break a property; without it, the examples are the same on every run.'
    echo 'Example:  ./run.sh test tests/index -k annoy'
    return
  fi
  cd "$root"
  if [ "${1:-}" = cluster ]; then
    shift
    say 'tests on a cluster of processes'
    run_module pytest tests/cluster -m cluster "$@"
    return
  fi
  if [ "${1:-}" = fuzz ]; then
    shift
    say 'tests of properties, on examples that no run has seen'
    run_module pytest -m hypothesis --hypothesis-profile fuzz "$@"
    return
  fi
  say 'style and types'
  run_module ruff check .
  run_module ruff format --check .
  run_module mypy
  find_programs
  say 'tests'
  # All of them: on two cores, see tests/conftest.py. A choice is mostly small, and easier to follow on one.
  [ $# -gt 0 ] || set -- --numprocesses 2 --dist loadgroup
  run_module pytest "$@"
}

# What some tests use besides Python and Java, installed where that can be done:
# its commands, of which one will do, the package that has it, and the tests that are left out without it.
find_programs() {
  find_program 'chromium chromium-browser google-chrome' chromium 'the tests marked "browser"'
  find_program nginx nginx-light 'the tests of the proxy'
}

find_program() {
  local commands=$1 package=$2 tests=$3
  ! has_one_of "$commands" || return 0
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    say "installing $package for $tests"
    if { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"; } >"$local_folder/$package.log" 2>&1 &&
      has_one_of "$commands"; then
      return
    fi
  fi
  say "$package is not installed: $tests will not run (apt install $package)"
}

has_one_of() {
  local name
  for name in $1; do
    ! command -v "$name" >/dev/null || return 0
  done
  return 1
}

main() {
  local command=${1:-help} module first
  shift || true
  case $command in
    help | -h | --help) help; return ;;
  esac
  IFS='|' read -r module first _ <<<"$(row "$command")"
  [ -n "$module" ] || fail "there is no command '$command': ./run.sh help lists them"

  # Deploying needs nothing of what is set up here.
  [ "$command" != deploy ] || exec "$root/deploy/deploy.sh" "$@"
  export PYTHONPATH=$root
  set_up
  JAVA_HOME=$(sed -n 3p "$local_folder/java-home")
  export JAVA_HOME PYSPARK_PYTHON=$python PYSPARK_DRIVER_PYTHON=$python
  if [ "$command" = test ]; then
    run_tests "$@"
  elif [ -n "$first" ]; then
    exec "$python" -P -m "$module" "$first" "$@"
  else
    exec "$python" -P -m "$module" "$@"
  fi
}

main "$@"
