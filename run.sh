#!/usr/bin/env bash
# The one entry point to Segue. `./run.sh help` lists the commands; the first command sets everything up.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
local_folder=$root/.local
venv=$local_folder/venv
python=$venv/bin/python

# The installer of the packages, with the hashes of its files.
installer=$root/conf/installer.txt
disk_gigabytes=6

say() { printf '%s\n' "segue: $*" >&2; }
fail() { say "$*"; exit 1; }

# listing QUESTION [ARGUMENTS]: asks segue/cli/listing.py, which has the list of commands.
listing() {
  local reader=$python
  [ -x "$reader" ] || reader=$(find_python) || exit 3
  PYTHONPATH=$root "$reader" -P -m segue.cli.listing "$@"
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
  # Annoy has no wheels.
  command -v g++ >/dev/null || command -v c++ >/dev/null || command -v clang++ >/dev/null ||
    fail 'no C++ compiler found: install a C++ compiler: apt install g++ python3-dev'
  "$python3" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' ||
    fail "the headers of $python3 are missing: install them: apt install python3-dev"
  free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1000000) }')
  [ "$free" -ge "$disk_gigabytes" ] ||
    fail "only $free GB are free on the disk of $root: make room for $disk_gigabytes GB"
  [ "$(uname -sm)" = 'Linux x86_64' ] || [ -n "${SEGUE_MONGO__URI:-}" ] ||
    say 'the embedded MongoDB is for Linux on x86-64 only: set your own with SEGUE_MONGO__URI=mongodb://…'
}

# Each set of packages has a lock file: runtime, docs, embedded (also for the demo), training, tracing,
# dev (all of these and more).
# Its stamp identifies the lock file and is written last, so that an interrupted set-up is repeated.
lock_of() { if [ "$1" = runtime ]; then echo "$root/requirements.txt"; else echo "$root/requirements-$1.txt"; fi; }
stamp_of() { echo "$local_folder/packages-$1"; }
packages_wanted() { echo "$("$python" -V 2>&1) $(cksum <"$(lock_of "$1")") uv $(sed -n 's/^uv==\([^ ]*\).*/\1/p' "$installer")"; }
set_is_fresh() { [ -f "$(stamp_of "$1")" ] && [ -x "$python" ] && [ "$(cat "$(stamp_of "$1")" 2>/dev/null)" = "$(packages_wanted "$1")" ]; }

# packages_ready SET: whether the set, or a larger set that includes it, is set up.
packages_ready() {
  local other
  # A linked environment belongs to somebody else and is not changed.
  [ ! -L "$venv" ] || return 0
  for other in "$1" $([ "$1" != runtime ] || echo docs embedded training tracing) dev; do
    ! set_is_fresh "$other" || return 0
  done
  return 1
}

set_up_packages() { # set_up_packages SET: sets up this set and the sets that were set up before
  local python3 set sets=$1 locks=()
  python3=$(find_python)
  check_machine "$python3"
  if ! "$python" -m pip --version >/dev/null 2>&1; then
    say "setting up (1/3): a virtual environment of $("$python3" -V)"
    rm -rf "$venv" "$local_folder"/packages*
    "$python3" -m venv "$venv" || fail "$python3 could not make a virtual environment: apt install python3-venv"
  fi
  # Before there were sets, a single file was the stamp.
  [ ! -e "$local_folder/packages" ] || [ "$1" = dev ] || sets+=' dev'
  for set in runtime docs embedded training tracing dev; do
    [ ! -e "$(stamp_of "$set")" ] || [ "$set" = "$1" ] || sets+=" $set"
  done
  # The set dev includes all others.
  [[ " $sets " != *' dev '* ]] || locks=("$(lock_of dev)")
  [ "${#locks[@]}" -gt 0 ] || for set in $sets; do locks+=("$(lock_of "$set")"); done
  say "setting up (2/3): the pinned Python packages: $sets (once; takes a few minutes)"
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$installer" ||
    fail 'the package installer uv could not be fetched: check the network or the settings of pip, then try again'
  "$python" -m uv pip sync --python "$python" --require-hashes "${locks[@]}" ||
    fail 'the Python packages could not be installed: see the lines above, then try again'
  rm -f "$local_folder/packages"
  for set in $sets; do packages_wanted "$set" >"$(stamp_of "$set")"; done
}

# The folder of the jars and of a wheel's Java: next to the packages, unless the environment names another.
find_data_folder() {
  data_folder=$local_folder
  [ -n "${SEGUE_HOME:-}${SEGUE_ROOT:-}" ] || return 0
  data_folder=$("$python" -P -c 'from segue.places import LOCAL; print(LOCAL)') ||
    fail 'the folder for data could not be determined: see the lines above'
}

# The stamp of Java and the jars has three lines: the checksum of ivy.xml, the caller's JAVA_HOME, the Java to use.
java_ready() {
  local sum asked home
  find_data_folder
  [ -f "$data_folder/java-home" ] || return 1
  { read -r sum && IFS= read -r asked && IFS= read -r home; } <"$data_folder/java-home" || return 1
  [ "$sum" = "$(cksum <"$root/conf/ivy.xml")" ] && [ -x "$home/bin/java" ] && [ -d "$data_folder/jars/spark" ] &&
    [ -d "$data_folder/spark-pages" ] || return 1
  # In a command started by Segue, JAVA_HOME is already the Java to use.
  [ "${JAVA_HOME:-}" = "$asked" ] || [ "${JAVA_HOME:-}" = "$home" ]
}

java_found() { "$python" -P -c 'from segue.local.java import java_home; java_home()' 2>/dev/null; }

set_up_java() {
  local home
  make_folder "$data_folder" || fail_to_write_data
  # A machine without a supported Java gets the one from the embedded set.
  java_found || packages_ready embedded || set_up_packages embedded
  say 'setting up (3/3): Java, and the jars of Kafka and of its Spark source'
  home=$("$python" -P -c 'from segue.local.cli import prepare; prepare()')
  printf '%s\n' "$(cksum <"$root/conf/ivy.xml")" "${JAVA_HOME:-}" "$home" >"$data_folder/java-home"
}

set_up() { # set_up SET
  local folder=$local_folder
  if packages_ready "$1"; then
    ! java_ready || return 0
    folder=$data_folder
    make_folder "$folder" || fail_to_write_data
  else
    make_folder "$folder" ||
      fail "this command needs the packages '$1', and this user may not write to $root: let its owner run ./run.sh setup $1"
  fi
  # If two commands start at the same time, the second waits here until the first has finished the set-up.
  exec 9>"$folder/setup.lock"
  ! command -v flock >/dev/null || flock 9
  packages_ready "$1" || set_up_packages "$1"
  java_ready || set_up_java
  exec 9>&-
}

fail_to_write_data() {
  fail "Java and the jars belong in $data_folder, but this user may not write there: set another folder with SEGUE_HOME"
}

make_folder() { { [ -d "$1" ] || mkdir -p "$1" 2>/dev/null; } && [ -w "$1" ]; }

# --- running --------------------------------------------------------------------------------------

run_module() {
  # -P: do not import a folder named segue in the user's working directory.
  "$python" -P -m "$@"
}

help_of() { # help_of setup | test
  if [ "$1" = setup ]; then
    cat <<'HELP'
Usage: ./run.sh setup [SET]

  Install a set of Python packages, Java if the machine has none that fits, and the jars of Kafka and Spark.

  Every command does this by itself for the set that it needs. A set that is installed stays as it is.

  Example: ./run.sh setup training

  Example: ./run.sh setup dev

Sets:
  runtime          the service: library, index, stream, dashboard (the default)
  docs             also Zensical, which builds the documentation site
  embedded         also the embedded MongoDB and a Java runtime, for demo and up
  training         also the packages of models train, models evaluate and models tune
  tracing          also OpenTelemetry
  dev              all of these, and the tools of the tests
HELP
    return
  fi
  cat <<'HELP'
Usage: ./run.sh test [browsers|cluster|docs|fuzz] [PYTEST ARGUMENTS]

  Check the style (ruff), the types (mypy) and the layers (import-linter), then run the tests (pytest) with real
  Kafka, MongoDB and Spark.

  Example: ./run.sh test

  Example: ./run.sh test tests/index -k annoy

Other tests, without the checks:
  browsers         the player in Chromium, Firefox and WebKitGTK; takes minutes; names the browsers that are missing
  cluster          on a cluster of processes; takes minutes and 10 GB of memory
  docs             the commands of the tutorials and guides in docs/; takes minutes
  fuzz             properties on new random examples; otherwise, the examples are the same on every run
HELP
}

run_tests() {
  cd "$root"
  if [ "${1:-}" = browsers ]; then
    shift
    prepare_tests
    find_browsers
    say 'the player in several browsers'
    run_module pytest tests/dashboard -m browsers "$@"
    return
  fi
  prepare_tests
  if [ "${1:-}" = cluster ]; then
    shift
    prepare_tests
    say 'tests on a cluster of processes'
    run_module pytest tests/cluster -m cluster "$@"
    return
  fi
  if [ "${1:-}" = docs ]; then
    shift
    prepare_tests
    say 'tutorials and guides'
    run_module pytest tests/docs -m docs "$@"
    return
  fi
  if [ "${1:-}" = fuzz ]; then
    shift
    prepare_tests
    say 'tests of properties, on new examples'
    run_module pytest -m hypothesis --hypothesis-profile fuzz "$@"
    return
  fi
  say 'style, types and layers'
  run_module ruff check .
  run_module ruff format --check .
  find_programs &  # waits for the network, while the others compute
  local finding=$!
  prepare_tests
  wait "$finding"
  # A selection of tests is mostly small, and its output is easier to read from one process.
  if [ $# -gt 0 ]; then
    check_types_and_layers
    say 'tests'
    run_module pytest "$@"
    return
  fi
  # All tests run in parallel processes (tests/conftest.py): more than there are cores, because they wait for
  # servers half of the time.
  local checks status=0
  check_types_and_layers >"$local_folder/checks.log" 2>&1 &
  checks=$!
  say 'tests, with types and layers in parallel'
  run_module pytest --numprocesses 4 --dist loadgroup --no-loadscope-reorder || status=$?
  wait "$checks" || status=1
  cat "$local_folder/checks.log"
  return "$status"
}

check_types_and_layers() {
  run_module mypy && "$venv/bin/lint-imports"
}

# Without these, tests take longer and do the same.
prepare_tests() {
  run_module tests.compiled_code 2>"$local_folder/compiled-code.log" ||
    say "functions could not be compiled in advance: see $local_folder/compiled-code.log" &
  run_module tests.class_archives 2>"$local_folder/class-archives.log" ||
    say "the archives of Java's classes could not be made: see $local_folder/class-archives.log"
  wait $!
}

# Programs that some tests need, installed if possible:
# find_program COMMANDS PACKAGE TESTS: any of the commands is enough; without it, the tests are skipped.
find_programs() {
  find_program 'chromium chromium-browser google-chrome' chromium 'the tests marked "browser"'
  find_program nginx nginx-light 'the tests of the proxy'
  find_program promtool prometheus 'the tests of the alert rules'
}

# Each of these is tested if it is there.
find_browsers() {
  find_program 'chromedriver' chromium-driver 'the tests of the player in Chromium'
  find_program 'firefox-esr firefox' firefox-esr 'the tests of the player in Firefox'
  find_program 'pulseaudio' pulseaudio 'the tests of the player in Firefox'
  has_one_of 'geckodriver' || [ -x ~/.cargo/bin/geckodriver ] ||
    say 'geckodriver is not installed: the tests of the player in Firefox will not run (cargo install geckodriver)'
  find_program 'WebKitWebDriver' webkit2gtk-driver 'the tests of the player in WebKitGTK'
  find_program 'Xvfb' xvfb 'the tests of the player in WebKitGTK'
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

# The doctor sets up nothing: without packages, it checks the machine only.
run_doctor() {
  local reader
  export PYTHONPATH=$root
  if packages_ready runtime && [ -x "$python" ]; then
    exec "$python" -P -m segue doctor "$@"
  fi
  reader=$(find_python) || exit 1
  exec "$reader" -P -m segue.doctor "$@"
}

has_one_of() {
  local name
  for name in $1; do
    ! command -v "$name" >/dev/null || return 0
  done
  return 1
}

main() {
  local command=${1:-help} packages
  case "$command ${2:-}" in
    'setup --help' | 'setup -h' | 'test --help' | 'test -h') help_of "$command"; return ;;
  esac
  case $command in
    help | -h | --help) listing help; return ;;
    # Deploying does not need the set-up.
    deploy) shift; exec "$root/deploy/deploy.sh" "$@" ;;
    doctor) shift; run_doctor "$@"; return ;;
    *)
      packages=$(listing packages "$@") || {
        [ $? = 3 ] && exit 1
        say "there is no command '$command': ./run.sh help lists them"
        exit 2
      }
      ;;
  esac
  [ "$command" != setup ] || packages=${2:-runtime}
  [ -f "$(lock_of "$packages")" ] || fail "there is no set of packages '$packages': runtime, docs, embedded, training, tracing or dev"

  export PYTHONPATH=$root
  set_up "$packages"
  JAVA_HOME=$(sed -n 3p "$data_folder/java-home")
  export JAVA_HOME PYSPARK_PYTHON=$python PYSPARK_DRIVER_PYTHON=$python
  case $command in
    setup) [ "$packages" != dev ] || prepare_tests ;;
    test) shift; run_tests "$@" ;;
    *) exec "$python" -P -m segue "$@" ;;
  esac
}

main "$@"
