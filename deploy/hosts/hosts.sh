# shellcheck shell=bash
# systemd units on a list of machines, over ssh, with your own Kafka and MongoDB.

roles='spark-master spark-worker stream dashboard library'

remote=(ssh -o BatchMode=yes -o ConnectTimeout=10)

# The lines of the file without comments and empty lines: HOST ROLE...
listed() { sed 's/#.*//' "$hosts" | awk 'NF'; }

hosts_of() { listed | awk -v role="$1" '{ for (i = 2; i <= NF; i++) if ($i == role) print $1 }'; }

# The master's address for workers and stream.
master() { sed -n 's/^SEGUE_SPARK__MASTER=//p' "$place/segue.env"; }

# The watch of the library is one of the catalogue's jobs.
login_of() { if [ "$1" = library ]; then echo catalogue.toml; else echo "$1.toml"; fi; }

check_hosts() {
  local host rest role name
  need ssh 'install an ssh client: apt install openssh-client'
  [ -n "$hosts" ] || fail 'the list of machines is missing: add --hosts FILE; deploy/hosts/example/hosts is an example'
  [ -f "$hosts" ] || fail "--hosts $hosts: there is no such file; deploy/hosts/example/hosts is an example"
  [ -n "$(listed)" ] || fail "$hosts names no machine"
  while read -r host rest; do
    [ -n "$rest" ] || fail "$hosts: $host has no role: add one of $roles"
    for role in $rest; do
      [[ " $roles " == *" $role "* ]] || fail "$hosts: $host: there is no role '$role': the roles are $roles"
    done
  done < <(listed)
  [ "$(hosts_of stream | wc -l)" -le 1 ] || fail "$hosts: several machines have the role stream: give it to one only"
  place=$(cd "$(dirname "$hosts")" && pwd)
  [ -f "$place/segue.env" ] || fail "$place/segue.env is missing; deploy/hosts/example/segue.env is an example"
  ! grep -Eqi '^[^#]*(password|://[^/]*@)' "$place/segue.env" ||
    fail "$place/segue.env contains a password: move it to stream.toml or dashboard.toml"
  [ -z "$(hosts_of spark-master)$(hosts_of spark-worker)" ] || [[ $(master) =~ ^spark://[^,/]+:[0-9]+$ ]] ||
    fail "$place/segue.env: set SEGUE_SPARK__MASTER to the address of the master: spark://HOST:7077"
  for name in stream dashboard library; do
    [ -z "$(hosts_of "$name")" ] || [ -f "$place/$(login_of "$name")" ] ||
      fail "$place/$(login_of "$name") is missing; deploy/hosts/example/$(login_of "$name") is an example"
  done
  [ "$(hosts_of library | wc -l)" -le 1 ] || fail "$hosts: several machines have the role library: give it to one only"
}

reach() {
  local host
  [ -z "$dry_run" ] || return 0
  while read -r host _; do
    "${remote[@]}" "$host" sudo -n true </dev/null 2>/dev/null || fail "$host: cannot log in with an ssh key, or sudo asks for a password"
  done < <(listed)
}

on() { # on HOST ARGUMENTS...: run install.sh on the host
  local host=$1
  shift
  step_with "$root/deploy/hosts/install.sh" "${1/set-up/set up} ${3:-the release} on $host" "${remote[@]}" "$host" sudo -n bash -s -- "$@"
}

pack() {
  tar --create --gzip --sort=name --owner=0 --group=0 --mode=go+rX,go-w --exclude='*.pyc' --exclude=secrets.toml --file "$1" \
    -C "$root" "${deployed[@]}"
}

send() { # send HOST FILE MODE PLACE: the user of the units reads the file through its group
  step_with "$2" "copy $4 to $1" "${remote[@]}" "$1" sudo -n install -D -m "$3" -g segue /dev/stdin "$4"
}

bring() { # bring HOST ROLES: prepare the switch to this version
  local host=$1 role
  on "$host" prepare "$version"
  step_with "$archive" "copy version $version to $host" "${remote[@]}" "$host" sudo -n tar -xz -C "/opt/segue/releases/$version"
  on "$host" set-up "$version"
  send "$host" "$place/segue.env" 0644 /etc/segue/segue.env
  if [[ $2 == *spark-* || $2 == *stream* ]]; then
    send "$host" "$folder/secrets/spark-defaults.conf" 0640 /etc/segue/spark/spark-defaults.conf
  fi
  for role in $2; do
    [ "$role" != dashboard ] || send "$host" "$(oidc_file)" 0600 /etc/segue/oidc.toml
    [ ! -f "$place/$(login_of "$role")" ] || send "$host" "$place/$(login_of "$role")" 0600 "/etc/segue/$role.toml"
  done
}

# Your oidc.toml beside dashboard.toml; otherwise one without settings.
oidc_file() {
  if [ -f "$place/oidc.toml" ]; then echo "$place/oidc.toml"; else echo "$folder/secrets/oidc.toml"; fi
}

see() { # see HOST ROLE: wait until the role is healthy
  local entry=/opt/segue/current/deploy/image/entrypoint.sh at
  if [ "$2" = library ]; then
    # Its sign of life is in the unit's own folder for temporary files.
    healthy "$2 on $1, as a unit of systemd" 180 "${remote[@]}" -n "$1" systemctl is-active --quiet "segue-$2"
    return
  fi
  case $2 in
    stream) at=http://127.0.0.1:4041/metrics ;;
    dashboard) at=http://127.0.0.1:8501/_stcore/health ;;
    # A worker without a master keeps running and retries for minutes.
    spark-*)
      at=$(master)
      healthy "$2 on $1, as a unit of systemd" 180 "${remote[@]}" -n "$1" systemctl is-active --quiet "segue-$2"
      ;;
  esac
  healthy "$2 on $1, at $at" 180 "${remote[@]}" -n "$1" "$entry" healthy "$at"
}

deploy_hosts() {
  local host rest role
  check_hosts
  reach
  version=$(version)
  archive=$folder/segue-$version.tar.gz
  step 'create a folder for the files to send' mkdir -p "$folder/secrets"
  make_spark_defaults
  make_oidc
  step "pack version $version" pack "$archive"
  # First prepare all hosts without a change; then switch unit by unit, waiting until each is healthy.
  while read -r host rest <&3; do
    bring "$host" "$rest"
  done 3< <(listed)
  for role in $roles; do
    for host in $(hosts_of "$role"); do
      on "$host" activate "$version" "$role"
      see "$host" "$role"
    done
  done
  end "version $version runs on all machines"
}

undeploy_hosts() {
  local role host
  check_hosts
  reach
  for role in library dashboard stream spark-worker spark-master; do
    for host in $(hosts_of "$role"); do
      on "$host" remove "$role"
    done
  done
  end 'data in /var/lib/segue, settings in /etc/segue and releases in /opt/segue are still there'
}
