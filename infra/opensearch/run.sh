#!/bin/sh
# Runs the single OpenSearch node. Its environment: JARS, OPENSEARCH_HOME (its data), OPENSEARCH_CONFIG (a folder), OPENSEARCH_START,
# OPENSEARCH_PORT, OPENSEARCH_CLUSTER.
set -eu
mkdir -p "$OPENSEARCH_HOME"

# The heap is small on purpose: a catalog of some hundred thousand products fits, most of the rest comes from the page cache.
exec java -Xms256m -Xmx512m -XX:+UseSerialGC -XX:ReservedCodeCacheSize=96m -XX:MaxMetaspaceSize=192m -Xss512k \
  -XX:MaxDirectMemorySize=128m -XX:+ExitOnOutOfMemoryError -Djava.net.preferIPv4Stack=true \
  -Dopensearch.networkaddress.cache.ttl=60 -Dio.netty.allocator.type=unpooled \
  -cp "$JARS/*" org.mozilla.javascript.tools.shell.Main -version 200 -opt -1 "$OPENSEARCH_START" \
  -basePath "$OPENSEARCH_HOME" -confPath "$OPENSEARCH_CONFIG" -dataPath "$OPENSEARCH_HOME/data" -logsPath "$OPENSEARCH_HOME/log" \
  -numOfNode 1 -baseHttpPort "$((OPENSEARCH_PORT - 1))" -clusterName "$OPENSEARCH_CLUSTER"
