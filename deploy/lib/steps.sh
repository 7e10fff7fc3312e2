# shellcheck shell=bash
# The steps of a deployment: each is printed, and run unless it is a dry run.

say() { printf '%s\n' "segue: $*" >&2; }
fail() { say "$*"; exit 1; }

# end TEXT: the last line of a deployment.
end() {
  if [ -n "$dry_run" ]; then
    say 'dry run: nothing was changed'
  else
    say "$*"
  fi
}

# step TEXT COMMAND...: print the text, which begins with a verb, and run the command; in a dry run, print the command.
step() {
  local text=$1
  shift
  if [ -n "$dry_run" ]; then
    printf '# %s\n%s\n' "$text" "$(quoted "$@")"
  else
    say "$text"
    "$@" || fail "could not $text: see the lines above"
  fi
}

# step_with FILE TEXT COMMAND...: the same, with a file as standard input, so that arguments have no contents.
step_with() {
  local file=$1 text=$2
  shift 2
  if [ -n "$dry_run" ]; then
    printf '# %s\n%s < %q\n' "$text" "$(quoted "$@")" "$file"
  else
    say "$text"
    "$@" <"$file" || fail "could not $text: see the lines above"
  fi
}

quoted() {
  local line
  printf -v line '%q ' "$@"
  printf '%s' "${line% }"
}

# healthy TEXT SECONDS COMMAND...: repeat the command until it succeeds.
healthy() {
  local text=$1 patience=$2 until
  shift 2
  if [ -n "$dry_run" ]; then
    printf '# wait up to %s s for %s\n%s\n' "$patience" "$text" "$(quoted "$@")"
    return
  fi
  until=$((SECONDS + patience))
  while ! "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || fail "$text: not healthy after $patience s: see its log"
    sleep 2
  done
  say "$text: healthy"
}

need() {
  command -v "$1" >/dev/null || fail "$1 is not installed: $2"
}

# The deployed files, relative to $root.
deployed=(run.sh requirements.txt requirements-embedded.txt requirements-training.txt requirements-tracing.txt
  conf segue udfs batch_jobs streaming_jobs dashboard deploy)

# The version of the deployed files: a digest of their contents.
version() {
  (cd "$root" && find "${deployed[@]}" \
    -type f ! -name '*.pyc' ! -path 'conf/.streamlit/secrets.toml' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) |
    sha256sum | cut -c1-12
}
