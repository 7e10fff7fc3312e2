#!/usr/bin/env bash
# `./run.sh deploy`: deploys Segue to other machines, or to containers on this machine.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=deploy/lib/steps.sh
. "$root/deploy/lib/steps.sh"
# shellcheck source=deploy/lib/secrets.sh
. "$root/deploy/lib/secrets.sh"

usage() { # usage [TARGET]
  case ${1:-} in
    compose) usage_compose ;;
    hosts) usage_hosts ;;
    kubernetes) usage_kubernetes ;;
    *) usage_all ;;
  esac
}

usage_all() {
  cat <<'TEXT'
Usage: ./run.sh deploy compose|hosts|kubernetes [OPTIONS]

  Deploy Segue to other machines or into containers, and check that it is healthy.

  A second run changes only the parts that differ. Use it to deploy a new version or a new setting, too.
  ./run.sh deploy TARGET --help describes a target.

  Example: ./run.sh deploy compose --music ~/Music --dry-run

  Example: ./run.sh deploy hosts --hosts /etc/segue/hosts

Targets:
  compose          everything in containers on this machine, with Prometheus and Grafana
  hosts            Spark and the jobs as systemd units on a list of machines, over ssh
  kubernetes       the jobs on a cluster, by kubectl

Options of all targets:
  --dry-run        Print each step and change nothing.
  --undeploy       Stop and remove the deployment; data and passwords stay.
  --folder DIR     The folder for passwords, certificates and data.  [default: .local/deploy]
  --help           Show this message and exit.

Options of compose:
  --music DIR      The folder of recordings. Later runs remember it.
  --domain NAME    The host name that browsers use.  [default: this machine's name]

Options of hosts:
  --hosts FILE     The list of machines; deploy/hosts/example/hosts is an example.

Options of kubernetes:
  --image NAME     The image in your registry, such as registry.example/segue:1; the tag gets the version, too.
  --context NAME   The context of kubectl. It has no default.
TEXT
}

usage_compose() {
  cat <<'TEXT'
Usage: ./run.sh deploy compose [OPTIONS]

  Run everything in containers on this machine: Kafka, MongoDB, Spark, the jobs, the dashboard behind TLS,
  Prometheus and Grafana.

  It needs Docker with its compose plugin. docs/tutorials/deploy-with-compose.md goes through it step by step.

  Example: ./run.sh deploy compose --music ~/Music --dry-run

  Example: ./run.sh deploy compose --undeploy

Options:
  --music DIR      The folder of recordings. Later runs remember it.
  --domain NAME    The host name that browsers use.  [default: this machine's name]
  --folder DIR     The folder for passwords, certificates and data.  [default: .local/deploy]
  --dry-run        Print each step and change nothing.
  --undeploy       Stop and remove the containers; data and passwords stay.
  --help           Show this message and exit.
TEXT
}

usage_hosts() {
  cat <<'TEXT'
Usage: ./run.sh deploy hosts [OPTIONS]

  Install Spark and the jobs as systemd units on a list of machines, over ssh.

  The list and the jobs' settings files are in one folder; deploy/hosts/example is an example.
  docs/how-to/deploy-hosts.md lists the requirements.

  Example: ./run.sh deploy hosts --hosts /etc/segue/hosts --dry-run

  Example: ./run.sh deploy hosts --hosts /etc/segue/hosts --undeploy

Options:
  --hosts FILE     The list of machines.  [required]
  --folder DIR     The folder for passwords, certificates and data.  [default: .local/deploy]
  --dry-run        Print each step and change nothing.
  --undeploy       Stop and remove the units; data and passwords stay.
  --help           Show this message and exit.
TEXT
}

usage_kubernetes() {
  cat <<'TEXT'
Usage: ./run.sh deploy kubernetes [OPTIONS]

  Run the jobs on a Kubernetes cluster that kubectl can reach.

  The image is built and pushed to your registry. docs/how-to/deploy-kubernetes.md lists the requirements.

  Example: ./run.sh deploy kubernetes --context prod --image registry.example/segue:1 --dry-run

  Example: ./run.sh deploy kubernetes --context prod --undeploy

Options:
  --image NAME     The image in your registry, such as registry.example/segue:1; the tag gets the version, too.
  --context NAME   The context of kubectl. It has no default.  [required]
  --folder DIR     The folder for passwords, certificates and data.  [default: .local/deploy]
  --dry-run        Print each step and change nothing.
  --undeploy       Stop and remove the deployment; data and passwords stay.
  --help           Show this message and exit.
TEXT
}

target='' dry_run='' undeploy='' folder=$root/.local/deploy music='' domain='' hosts='' image='' context=''

value() { [ $# -ge 2 ] || fail "$1 needs a value: ./run.sh deploy --help"; printf '%s' "$2"; }

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage "$target"; exit ;;
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
