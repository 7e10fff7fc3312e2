#!/usr/bin/env bash
# The command of containers and systemd units: any command of run.sh, or one of those below.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=$root/.local/venv/bin/python

ask='
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=5)
except urllib.error.HTTPError as error:
    sys.exit(print(error.read().decode(errors="replace")) or 1)
'

usage() {
  echo 'usage: entrypoint.sh spark-master ADDRESS | spark-worker ADDRESS | stream-on-kubernetes | executor | healthy URL'
  echo '       entrypoint.sh recent FILE MINUTES'
  echo '       entrypoint.sh COMMAND [OPTIONS]        a command of ./run.sh'
  echo 'Example:  entrypoint.sh spark-worker spark://spark-master:7077'
}

prepare_spark() {
  JAVA_HOME=$(sed -n 3p "$root/.local/java-home")
  SPARK_HOME=$(echo "$root"/.local/venv/lib/python3.*/site-packages/pyspark)
  export JAVA_HOME SPARK_HOME PYTHONPATH=$root PYSPARK_PYTHON=$python PYSPARK_DRIVER_PYTHON=$python
  cd "$root"
}

# Otherwise a web page that is open in an administrator's browser could end an application by a link, or read the pages
# of master and workers under a host name of its own (conf/KnownHosts.java).
close_pages() {
  export SPARK_DAEMON_CLASSPATH="$root/.local/spark-pages/*"
  export SPARK_DAEMON_JAVA_OPTS="-Dspark.ui.killEnabled=false -Dspark.ui.filters=segue.KnownHosts ${SPARK_DAEMON_JAVA_OPTS:-}"
}

# The command line of an executor's JVM, from the variables that Spark sets in its container on Kubernetes.
executor() {
  local options=() line
  while IFS= read -r line; do
    options+=("$line")
  done < <(env | grep '^SPARK_JAVA_OPT_' | sort -t_ -k4 -n | sed 's/^[^=]*=//')
  exec "$JAVA_HOME/bin/java" "${options[@]}" \
    "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
    -cp "$root/.local/jars/spark/*:$SPARK_HOME/jars/*" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
}

# The master listens on the address that the workers use. On Debian and Ubuntu a machine's own name may resolve to
# 127.0.1.1, which no other machine reaches; without --host, Spark uses the address of a network interface.
spark_master() { # spark_master HOST:PORT
  local host=${1%:*} at=()
  case $host in
    localhost | 127.*) at=(--host "$host") ;;
    *) [[ $(getent hosts "$host") == 127.* ]] || at=(--host "$host") ;;
  esac
  exec "$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.master.Master "${at[@]}" --port "${1##*:}"
}

# healthy URL: whether the page is served, or the Spark master accepts connections. A page that reports a problem is
# printed, for the engine's record of the check.
healthy() {
  local master=${1#spark://}
  case $1 in
    spark://*) exec timeout 5 bash -c "</dev/tcp/${master%:*}/${master##*:}" 2>/dev/null ;;
    *) exec "$python" -P -c "$ask" "$1" 2>/dev/null ;;
  esac
}

# recent FILE MINUTES: whether a file was written lately.
recent() { [ -n "$(find "$1" -mmin "-$2" 2>/dev/null)" ]; }

# Kubernetes cannot set the limit of open files: it is that of the node's container runtime. Processes start with the
# soft limit, which may be 1,024; the hard limit is usually far higher.
hard=$(ulimit -Hn)
if [[ $hard == unlimited ]] || ((hard > 65536)); then hard=65536; fi
ulimit -Sn "$hard" 2>/dev/null || true

mkdir -p /tmp/segue-run 2>/dev/null || true
case ${1:-} in
  '' | -h | --help) usage ;;
  healthy) healthy "$2" ;;
  recent) recent "$2" "$3" ;;
  spark-master)
    prepare_spark
    close_pages
    spark_master "${2#spark://}"
    ;;
  spark-worker)
    prepare_spark
    close_pages
    exec "$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.worker.Worker \
      --work-dir "${SPARK_WORKER_DIR:-/tmp/spark-work}" "$2"
    ;;
  stream-on-kubernetes)
    prepare_spark
    # The rest is in SPARK_CONF_DIR. A driver's class path must be known before its JVM starts.
    exec "$SPARK_HOME/bin/spark-submit" --deploy-mode client --name segue-stream \
      --driver-class-path "$root/.local/jars/spark/*:$root/.local/spark-pages/*" \
      --conf "spark.kubernetes.driver.pod.name=$POD_NAME" \
      --conf "spark.kubernetes.container.image=$IMAGE" \
      "$root/streaming_jobs/cli.py"
    ;;
  executor)
    prepare_spark
    executor
    ;;
  *) exec "$root/run.sh" "$@" ;;
esac
