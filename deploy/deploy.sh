#!/usr/bin/env bash
# `./run.sh deploy`: deploys Segue to other machines, or to containers on this machine.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/lib/steps.sh
. "$root/deploy/lib/steps.sh"
# shellcheck source=deploy/lib/secrets.sh
. "$root/deploy/lib/secrets.sh"

usage() {
  cat <<'TEXT'
usage: ./run.sh deploy compose|hosts|kubernetes [OPTIONS]

Deploy Segue, and see at the end that it is healthy. Doing it again changes only what has changed, so it is also
how to deploy a new version or a new setting. docs/tutorials/deploy-with-compose.md, docs/how-to/deploy-hosts.md and
docs/how-to/deploy-kubernetes.md say what each target needs.

  compose      all of it in containers on this machine: Kafka, MongoDB, Spark, the jobs, the dashboard behind
               TLS, Prometheus and Grafana
  hosts        Spark and the jobs as systemd units on a list of machines, over ssh
  kubernetes   the jobs on a cluster that kubectl knows

  --dry-run        print each step without running it
  --undeploy       stop a deployment; data and passwords stay
  --folder DIR     folder for passwords, certificates and data (.local/deploy)
  --music DIR      compose: the folder of recordings (needed once)
  --domain NAME    compose: the name that browsers use (this machine's name)
  --hosts FILE     hosts: the list of machines; deploy/hosts/example/hosts shows one
  --image NAME     kubernetes: the image's name in your registry, registry.example/segue:1; the version of
                   the code is added to the tag
  --context NAME   kubernetes: kubectl's context; there is no default

Example:  ./run.sh deploy compose --music ~/Music --dry-run
TEXT
}

target='' dry_run='' undeploy='' folder=$root/.local/deploy music='' domain='' hosts='' image='' context=''

value() { [ $# -ge 2 ] || fail "$1 needs a value: ./run.sh deploy --help"; printf '%s' "$2"; }

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit ;;
    --dry-run) dry_run=yes; shift; continue ;;
    --undeploy) undeploy=yes; shift; continue ;;
    --folder) folder=$(value "$@") ;;
    --music) music=$(value "$@") ;;
    --domain) domain=$(value "$@") ;;
    --hosts) hosts=$(value "$@") ;;
    --image) image=$(value "$@") ;;
    --context) context=$(value "$@") ;;
    -*) fail "there is no option $1: ./run.sh deploy --help" ;;
    *)
      [ -z "$target" ] || fail "one target at a time, not $target and $1"
      target=$1
      shift
      continue
      ;;
  esac
  shift 2 2>/dev/null || fail 'the last option needs a value: ./run.sh deploy --help'
done

case $target in
  compose | hosts | kubernetes) ;;
  '') fail 'name a target: compose, hosts or kubernetes: ./run.sh deploy --help' ;;
  *) fail "there is no target '$target': it is compose, hosts or kubernetes" ;;
esac

case $folder in
  /*) ;;
  *) folder=$PWD/$folder ;;
esac

# Only this user may read files with passwords.
umask 077
case $target in
  compose)
    # shellcheck source=deploy/compose/compose.sh
    . "$root/deploy/compose/compose.sh"
    ;;
  hosts)
    # shellcheck source=deploy/hosts/hosts.sh
    . "$root/deploy/hosts/hosts.sh"
    ;;
  kubernetes)
    # shellcheck source=deploy/kubernetes/kubernetes.sh
    . "$root/deploy/kubernetes/kubernetes.sh"
    ;;
esac
if [ -n "$undeploy" ]; then
  "undeploy_$target"
else
  "deploy_$target"
fi
