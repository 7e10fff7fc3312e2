# shellcheck shell=bash
# Containers on this machine. All data are below the folder and belong to the deploying user.

# If root deploys, the containers run as this user.
ordinary_user=10001
members=mongo-1:27017,mongo-2:27017,mongo-3:27017

compose=(docker compose --project-name segue --env-file "$folder/compose.env" --file "$root/deploy/compose/compose.yaml")

need_docker() {
  need docker 'install Docker Engine with its compose plugin: https://docs.docker.com/engine/install'
  need curl 'install it: apt install curl'
  docker compose version >/dev/null 2>&1 || fail 'docker has no compose plugin: install docker-compose-plugin'
  docker info >/dev/null 2>&1 || fail 'Docker does not answer: start it, or add this user to the group docker'
}

kept() { sed -n "s/^$1=//p" "$folder/compose.env" 2>/dev/null || true; }

settle() {
  uid=$(id -u)
  [ "$uid" != 0 ] || uid=$ordinary_user
  music=${music:-$(kept MUSIC)}
  domain=${domain:-$(kept DOMAIN)}
  domain=${domain:-$(hostname)}
  [ -n "$music" ] || fail 'the folder of recordings is missing: add --music DIR'
  [ -d "$music" ] || fail "--music $music: there is no such folder"
  music=$(cd "$music" && pwd)
  version=$(version)
}

environment() {
  printf '%s\n' "UID_OF_SEGUE=$uid" "FOLDER=$folder" "MUSIC=$music" "DOMAIN=$domain" "VERSION=$version"
  digests
}

# A running container does not notice a replaced file. The digest of passwords, certificates and broker configuration
# is in a label, so that a change restarts the containers that read the file, and no others.
digests() {
  local file
  while read -r file; do
    printf 'DIGEST_%s=%s\n' "$(tr 'a-z.-' 'A-Z__' <<<"$file")" "$(digest "$folder/secrets/$file")"
  done < <(sed -n 's|.*{file: "${FOLDER}/secrets/\(.*\)"}|\1|p' "$root/deploy/compose/compose.yaml")
}

write_environment() { environment >"$folder/compose.env"; }

# A broker's configuration contains passwords, so it is stored as a secret.
broker_properties() {
  sed -e "s/@node@/$1/g" \
    -e "s/@broker_password@/$(cat "$folder/secrets/kafka-broker-password")/g" \
    -e "s/@admin_password@/$(password "$folder/secrets/admin.toml" kafka)/g" \
    "$root/deploy/compose/kafka.properties"
}

mongo_password() { password "$folder/secrets/admin.toml" mongo | tr -d '\n'; }

cluster_id() { head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '=\n'; }

make_files() {
  local node
  make_digest_key
  make_logins
  make_oidc
  make_app_key
  make_spark_defaults
  write_once "$folder/secrets/kafka-broker-password" random
  for node in 1 2 3; do
    write_again "$folder/secrets/kafka-$node.properties" broker_properties "$node"
  done
  write_once "$folder/secrets/kafka-cluster-id" cluster_id
  write_once "$folder/secrets/mongo-key" random
  write_once "$folder/secrets/mongo-password" mongo_password
  write_once "$folder/secrets/grafana-password" random
  make_certificate "$domain"
  step 'create folders for the data' mkdir -p "$folder"/data/{kafka-1,kafka-2,kafka-3,mongo-1,mongo-2,mongo-3} \
    "$folder"/data/{checkpoints,index,models,cache,prometheus,grafana,backups}
  [ "$(id -u)" != 0 ] || step 'give secrets and data to the user of the containers' \
    chown -R "$uid:$uid" "$folder/secrets" "$folder/data"
  if [ -n "$dry_run" ]; then
    printf '# write %s:\n' "$folder/compose.env"
    environment
  else
    write_environment
  fi
}

deploy_compose() {
  [ -n "$dry_run" ] || need_docker
  settle
  make_files
  step 'build the image' "${compose[@]}" build
  step 'start the servers' "${compose[@]}" up --detach --wait kafka-1 kafka-2 kafka-3 mongo-1 mongo-2 mongo-3
  step 'create the topics, and the users of the jobs with their permissions' \
    "${compose[@]}" run --rm access access create --initiate "$members" /run/secrets
  step 'read the recordings into the catalogue' "${compose[@]}" run --rm catalogue library ingest /music
  step 'compute the audio features of new tracks' "${compose[@]}" run --rm catalogue library features
  step 'fit the audio space, or place new tracks in it' "${compose[@]}" run --rm catalogue embeddings train
  step 'build the index' "${compose[@]}" run --rm catalogue index build
  step 'start Spark, the jobs, the dashboard and the monitoring' "${compose[@]}" up --detach --wait --remove-orphans
  healthy 'the dashboard' 60 \
    curl --fail --silent --insecure --resolve "$domain:8443:127.0.0.1" "https://$domain:8443/_stcore/health"
  end "the dashboard is at https://$domain:8443, Grafana at http://127.0.0.1:3000 (user admin; the password is in $folder/secrets/grafana-password)"
}

undeploy_compose() {
  [ -n "$dry_run" ] || need_docker
  [ -n "$dry_run" ] || [ -e "$folder/compose.env" ] || fail "nothing was deployed from $folder"
  step 'stop and remove the containers; the data stay' "${compose[@]}" down --remove-orphans
  end "data and passwords are still in $folder"
}
