# shellcheck shell=bash
# Passwords and certificates: made once, kept in files that only this user can read, never an argument or a log line.

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# write_once FILE COMMAND...: a file with what a command prints, unless it is there.
write_once() {
  local file=$1
  shift
  if [ -n "$dry_run" ]; then
    [ -e "$file" ] || printf '# a file for this user only\n%s > %q\n' "$(quoted "$@")" "$file"
  elif [ ! -e "$file" ]; then
    mkdir -p "$(dirname "$file")"
    "$@" >"$file.part"
    mv "$file.part" "$file"
  fi
}

# write_again FILE COMMAND...: a file that follows from others.
write_again() {
  local file=$1
  shift
  if [ -n "$dry_run" ]; then
    printf '# from what is kept\n%s > %q\n' "$(quoted "$@")" "$file"
  else
    "$@" >"$file.part"
    mv "$file.part" "$file"
  fi
}

# digest FILE...: another one when what the files say is another. It stands where more people look than may read the
# files (a container's labels, a pod's annotations), so a key goes in: without it nobody can try passwords until the
# digest fits. Those made up here are too long for that anyway; one that somebody chose may not be.
digest() {
  local key=$folder/secrets/digest-key
  if [ -e "$key" ]; then
    { cat "$key" "$@" 2>/dev/null || true; } | sha256sum | cut -c1-12
  else
    echo not-known-yet
  fi
}

make_digest_key() { write_once "$folder/secrets/digest-key" random; }

# Master, workers, driver and executors know each other by a secret, and encrypt what they say.
spark_defaults() {
  cat "$root/deploy/image/spark/spark-defaults.conf"
  printf '%s %s\n' spark.authenticate true spark.network.crypto.enabled true \
    spark.authenticate.secret "$(cat "$folder/secrets/spark-secret")"
}

make_spark_defaults() {
  write_once "$folder/secrets/spark-secret" random
  write_again "$folder/secrets/spark-defaults.conf" spark_defaults
}

# A job's settings file: its users. An administrator of Kafka logs in by PLAIN, since SCRAM users are made later.
login() {
  local job=$1 section
  for section in ${2:-kafka mongo}; do
    printf '[%s]\nusername = "segue-%s"\npassword = "%s"\n' "$section" "$job" "$(random)"
  done
}

# password FILE SECTION: what a settings file has there.
password() {
  awk -v section="[$2]" '$0 ~ /^\[/ { on = ($0 == section) } on && $1 == "password" { gsub(/"/, "", $3); print $3 }' "$1"
}

make_logins() {
  local job
  for job in stream dashboard operator admin; do
    write_once "$folder/secrets/$job.toml" login "$job"
  done
  write_once "$folder/secrets/catalogue.toml" login catalogue mongo
}

self_signed() {
  openssl req -x509 -newkey rsa:2048 -noenc -days 365 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
    -keyout "$2/tls.key" -out "$2/tls.crt" 2>/dev/null
}

# A certificate for the dashboard: yours, if you put tls.crt and tls.key there; else one that browsers warn of.
make_certificate() {
  local place=$folder/secrets
  [ ! -e "$place/tls.crt" ] || [ ! -e "$place/tls.key" ] || return 0
  need openssl "install it, or put tls.crt and tls.key into $place"
  [ -n "$dry_run" ] || mkdir -p "$place"
  step "a certificate that this machine signed itself; put your own into $place" self_signed "$1" "$place"
}
