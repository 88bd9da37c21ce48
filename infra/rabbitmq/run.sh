#!/bin/sh
# Runs RabbitMQ once the stack's own epmd (its port mapper, a program beside it) answers; otherwise the Erlang runtime
# would start one itself, which would outlive the stack.
set -eu

tries=0
until epmd -port "$ERL_EPMD_PORT" -names >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || { echo "epmd does not answer on port $ERL_EPMD_PORT."; exit 1; }
  sleep 0.1
done

exec "$RABBITMQ_SERVER"
