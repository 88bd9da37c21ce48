#!/bin/sh
# Runs the single Kafka node (broker and controller). Its environment: JARS, KAFKA_DATA, KAFKA_CONFIG, KAFKA_LOG_LEVEL.
set -eu

# The marker is written last, so that an interrupted format is done over.
if [ ! -f "$KAFKA_DATA/formatted" ]; then
  rm -rf "$KAFKA_DATA"
  mkdir -p "$KAFKA_DATA"
  java -Xmx128m -XX:TieredStopAtLevel=1 -cp "$JARS/*" kafka.tools.StorageTool format \
    --cluster-id="$KAFKA_CLUSTER_ID" --config "$KAFKA_CONFIG"
  touch "$KAFKA_DATA/formatted"
fi

# The heap is small on purpose: one node with small segments; most of what Kafka serves comes from the page cache.
exec java -Xms128m -Xmx384m -XX:+UseSerialGC -XX:ReservedCodeCacheSize=64m -XX:MaxMetaspaceSize=128m -Xss512k \
  -XX:+ExitOnOutOfMemoryError -Djava.net.preferIPv4Stack=true \
  -Dorg.slf4j.simpleLogger.defaultLogLevel="$KAFKA_LOG_LEVEL" -Dorg.slf4j.simpleLogger.showDateTime=true \
  -Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd\'T\'HH:mm:ss.SSS \
  -cp "$JARS/*" kafka.Kafka "$KAFKA_CONFIG"
