# shellcheck shell=bash
# Pods on a cluster of kubectl's configuration, with your own Kafka and MongoDB, which settings.env and kafka.env name.

jobs='stream dashboard catalogue operator admin'

kube=(kubectl --context "$context" --namespace segue)

check_kubernetes() {
  need kubectl 'install it: https://kubernetes.io/docs/tasks/tools'
  # The current context may belong to another task.
  [ -n "$context" ] || fail 'the cluster is missing: add --context NAME; kubectl config get-contexts lists the names'
  [ -n "$dry_run" ] || kubectl --context "$context" version >/dev/null 2>&1 ||
    fail "the cluster does not answer for the context '$context': kubectl config get-contexts lists them"
}

check_image() {
  [[ $image == */*:* ]] || fail 'the image is missing: add its name in a registry that the cluster can read, such as --image registry.example/segue:1'
  [ -n "$dry_run" ] || need docker 'install Docker: the image is built here'
}

# Pods are replaced when the name of their image changes, so the tag identifies its contents.
name_image() { image=$image-$(version); }

# The other users are generated; this user must exist already.
check_admin() {
  local file=$folder/secrets/admin.toml
  [ -n "$dry_run" ] || [ -f "$file" ] || fail "$file is missing: it names a user who may create users, in [kafka] and [mongo]: docs/how-to/deploy-kubernetes.md"
}

overlay() {
  cat <<TEXT
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: segue
resources: [$(realpath --relative-to "$folder/kubernetes" "$root/deploy/kubernetes")]
images:
  - {name: segue, newName: ${image%:*}, newTag: "${image##*:}"}
configMapGenerator:
  - {name: segue-image, literals: ["name=$image"]}
patches:
$(reads StatefulSet segue-stream stream.toml)
$(reads Deployment segue-dashboard dashboard.toml oidc.toml app-passwords.key tls.crt tls.key)
$(reads Deployment segue-library catalogue.toml app-passwords.key)
TEXT
}

# A changed secret does not restart a pod, but a changed annotation does. The other pods are recreated each time.
reads() { # reads KIND NAME FILE...
  local kind=$1 name=$2
  shift 2
  cat <<TEXT
  - patch: |-
      apiVersion: apps/v1
      kind: $kind
      metadata: {name: $name}
      spec: {template: {metadata: {annotations: {segue.secrets: "$(digest "${@/#/$folder/secrets/}")"}}}}
TEXT
}

render() {
  mkdir -p "$folder/kubernetes"
  overlay >"$folder/kubernetes/kustomization.yaml"
  kubectl kustomize --load-restrictor LoadRestrictionsNone "$folder/kubernetes" >"$folder/kubernetes.yaml"
}

# Contents go from the file to the cluster, never through an argument.
secret() { # secret NAME KIND OPTION...
  "${kube[@]}" create secret "$@" --dry-run=client --output yaml | "${kube[@]}" apply --filename -
}

deploy_kubernetes() {
  local job files=()
  check_kubernetes
  check_image
  name_image
  check_admin
  make_digest_key
  make_logins
  make_oidc
  make_app_key
  make_certificate segue-dashboard.segue.svc
  for job in $jobs; do
    files+=("--from-file=$job.toml=$folder/secrets/$job.toml")
  done
  files+=("--from-file=oidc.toml=$folder/secrets/oidc.toml")
  step 'build the image' docker build --file "$root/deploy/image/Dockerfile" --tag "$image" "$root"
  step 'push the image to the registry' docker push "$image"
  step 'write the manifests' render
  step 'create the namespace' "${kube[@]}" apply --filename "$root/deploy/kubernetes/namespace.yaml"
  step 'store the passwords' secret generic segue-logins "${files[@]}"
  step 'store the key of app passwords' \
    secret generic segue-app-key "--from-file=app-passwords.key=$folder/secrets/app-passwords.key"
  step 'store the certificate' secret tls segue-tls "--cert=$folder/secrets/tls.crt" "--key=$folder/secrets/tls.key"
  step 'delete the job of the last deployment' "${kube[@]}" delete job segue-users --ignore-not-found
  step 'apply the manifests' "${kube[@]}" apply --filename "$folder/kubernetes.yaml"
  step 'create the topics, and the users of the jobs with their permissions' \
    "${kube[@]}" wait --for=condition=complete --timeout=300s job/segue-users
  healthy 'the dashboards' 600 "${kube[@]}" rollout status deployment/segue-dashboard --timeout=10s
  healthy 'the stream' 900 "${kube[@]}" rollout status statefulset/segue-stream --timeout=10s
  end 'deployed in the namespace segue'
}

undeploy_kubernetes() {
  local kind
  check_kubernetes
  for kind in statefulset/segue-stream deployment/segue-dashboard deployment/segue-library cronjob/segue-catalogue job/segue-users; do
    step "delete $kind" "${kube[@]}" delete "$kind" --ignore-not-found
  done
  # Volumes have the checkpoint and the recordings, secrets have the passwords: they stay.
  step 'delete the executors' "${kube[@]}" delete pods --selector app.kubernetes.io/name=segue-executor --ignore-not-found
  end 'volumes, settings and secrets are still in the namespace segue'
}
