# shellcheck shell=bash
# Passwords and certificates: generated once, in files that only this user can read, never in arguments or logs.

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# write_once FILE COMMAND...: write a command's output to a file, unless the file exists.
write_once() {
  local file=$1
  shift
  if [ -n "$dry_run" ]; then
    [ -e "$file" ] || printf '# write a file that only this user can read\n%s > %q\n' "$(quoted "$@")" "$file"
  elif [ ! -e "$file" ]; then
    mkdir -p "$(dirname "$file")"
    "$@" >"$file.part"
    mv "$file.part" "$file"
  fi
}

# write_again FILE COMMAND...: write a file that is derived from others.
write_again() {
  local file=$1
  shift
  if [ -n "$dry_run" ]; then
    printf '# write a file again, from its sources\n%s > %q\n' "$(quoted "$@")" "$file"
  else
    "$@" >"$file.part"
    mv "$file.part" "$file"
  fi
}

# digest FILE...: a keyed digest of the files' contents. More people can see it than may read the files (in a container's
# labels, a pod's annotations). Without the key nobody can find a password by trial. Generated passwords are too long for
# that anyway; chosen passwords may not be.
digest() {
  local key=$folder/secrets/digest-key
  if [ -e "$key" ]; then
    { cat "$key" "$@" 2>/dev/null || true; } | sha256sum | cut -c1-12
  else
    echo not-known-yet
  fi
}

make_digest_key() { write_once "$folder/secrets/digest-key" random; }

# Master, workers, driver and executors authenticate with a shared secret and encrypt their connections.
spark_defaults() {
  cat "$root/deploy/image/spark/spark-defaults.conf"
  printf '%s %s\n' spark.authenticate true spark.network.crypto.enabled true \
    spark.authenticate.secret "$(cat "$folder/secrets/spark-secret")"
}

make_spark_defaults() {
  write_once "$folder/secrets/spark-secret" random
  write_again "$folder/secrets/spark-defaults.conf" spark_defaults
}

# A job's settings file with its users. An administrator of Kafka logs in with PLAIN, since SCRAM users do not exist yet.
login() {
  local job=$1 section
  for section in ${2:-kafka mongo}; do
    printf '[%s]\nusername = "segue-%s"\npassword = "%s"\n' "$section" "$job" "$(random)"
  done
}

# password FILE SECTION: the password in a section of a settings file.
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

# The key that encrypts app passwords: 32 random bytes in URL-safe Base64. It stays when everything else is replaced.
app_key() { head -c 32 /dev/urandom | base64 | tr '+/' '-_'; }

make_app_key() { write_once "$folder/secrets/app-passwords.key" app_key; }

# The dashboard always gets this file; without OpenID Connect it has no settings.
oidc_example() {
  printf '# %s\n' 'Log-in with OpenID Connect: write a section [auth], and name this file in dashboard.toml.' \
    'docs/how-to/log-in-with-oidc.md lists its keys.'
}

make_oidc() { write_once "$folder/secrets/oidc.toml" oidc_example; }

self_signed() {
  openssl req -x509 -newkey rsa:2048 -noenc -days 365 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
    -keyout "$2/tls.key" -out "$2/tls.crt" 2>/dev/null
}

# A certificate for the dashboard: your tls.crt and tls.key if they exist; otherwise a self-signed one.
make_certificate() {
  local place=$folder/secrets
  [ ! -e "$place/tls.crt" ] || [ ! -e "$place/tls.key" ] || return 0
  need openssl "install it (apt install openssl), or put tls.crt and tls.key into $place"
  [ -n "$dry_run" ] || mkdir -p "$place"
  step "make a self-signed certificate (put your own into $place)" self_signed "$1" "$place"
}
