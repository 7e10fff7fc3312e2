#!/usr/bin/env bash
# hosts.sh runs this script on a host over ssh, as root. Each command can be repeated.
#   prepare VERSION         a user, folders, and a place for the release
#   set-up VERSION          the release's packages, Java and jars
#   activate VERSION ROLE   switch to the release, and (re)start the role's unit if anything has changed
#   remove ROLE             stop the role's unit; data, releases and settings stay
set -euo pipefail

# Only tests change the root folder.
prefix=${PREFIX:-}
releases=$prefix/opt/segue/releases
units=$prefix/etc/systemd/system
settings=$prefix/etc/segue
kept=3

prepare() {
  id segue >/dev/null 2>&1 || useradd --system --home-dir /var/lib/segue --shell /usr/sbin/nologin segue
  install -d -m 0755 "$releases/$1" "$settings"
}

# The ordinary user sets it up; afterwards only root can change the code of the units.
set_up() {
  local release=$releases/$1
  [ ! -e "$release/.ready" ] || return 0
  chown -R segue "$release"
  (cd "$release" && runuser -u segue -- env HOME="$release" UV_NO_CACHE=1 ./run.sh status >/dev/null)
  rm -rf "$release/.local/run"
  ln -s /tmp/segue-run "$release/.local/run"
  chown -R root:root "$release"
  chmod -R go+rX "$release"
  touch "$release/.ready"
}

activate() {
  local version=$1 unit=segue-$2.service stamp=$settings/.$2 now
  ln -sfn "releases/$version" "$prefix/opt/segue/current.new"
  mv -T "$prefix/opt/segue/current.new" "$prefix/opt/segue/current"
  install -D -m 0644 "$releases/$version/deploy/hosts/units/$unit" "$units/$unit"
  local read=("$units/$unit" "$settings"/{segue.env,"$2.toml",spark/spark-defaults.conf})
  [ "$2" != dashboard ] || read+=("$settings/oidc.toml")
  # Not every role has all of these.
  now="$version $({ cat "${read[@]}" 2>/dev/null || true; } | sha256sum)"
  systemctl daemon-reload
  if [ "$(cat "$stamp" 2>/dev/null)" != "$now" ] || ! systemctl is-active --quiet "$unit"; then
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
    # Readable by root only: a digest allows guessing passwords.
    install -m 0600 /dev/stdin "$stamp" <<<"$now"
  fi
  forget_old "$version"
}

# Previous releases are kept, so that a deployment of the older version is a rollback.
forget_old() {
  local old
  find "$releases" -mindepth 1 -maxdepth 1 -type d ! -name "$1" -printf '%T@ %p\n' | sort -rn | tail -n +"$kept" |
    while read -r _ old; do rm -rf "$old"; done
}

remove() {
  local unit=segue-$1.service
  [ ! -e "$units/$unit" ] || systemctl disable --now --quiet "$unit"
  rm -f "$units/$unit" "$settings/.$1"
  systemctl daemon-reload
}

case $1 in
  prepare) prepare "$2" ;;
  set-up) set_up "$2" ;;
  activate) activate "$2" "$3" ;;
  remove) remove "$2" ;;
esac
