#!/usr/bin/env bash
# A throw-away PostgreSQL for tests:
#   test-postgres.sh which      prints the folder of its programs
#   test-postgres.sh start DIR  makes a cluster in the new folder DIR, prints its URL
#   test-postgres.sh database URL NAME  makes a database there anew, prints its URL
#   test-postgres.sh stop DIR   stops it by its process id and removes DIR
# It listens on loopback, asks for a random password, and runs as an ordinary
# user: as `postgres` (or `nobody`) when root starts it.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

programs() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  if [[ -x "$found/initdb" ]]; then
    echo "$found"
  elif command -v initdb >/dev/null; then
    dirname "$(readlink -f "$(command -v initdb)")"
  else
    fail "PostgreSQL is not installed: apt-get install postgresql"
  fi
}

unprivileged() {
  if [[ $EUID -ne 0 ]]; then
    "$@"
    return
  fi
  local user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"
}

start() {
  local dir=$1 bin password try
  bin=$(programs)
  mkdir -m 700 "$dir"
  if [[ $EUID -eq 0 ]]; then
    chown "$(id postgres >/dev/null 2>&1 && echo postgres || echo nobody)" "$dir"
  fi
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  cd / # a folder that every user may stand in
  unprivileged bash -c 'printf %s "$1" >"$2/password"' _ "$password" "$dir"
  unprivileged "$bin/initdb" --pgdata="$dir/data" --username=keji --pwfile="$dir/password" --auth=scram-sha-256 \
    --encoding=UTF8 --no-locale >"/dev/null"
  for try in 1 2 3 4 5 6 7 8; do
    local port=$((20000 + RANDOM % 30000))
    # A taken port makes the server end at once; then another one.
    if unprivileged "$bin/pg_ctl" start --pgdata="$dir/data" --log="$dir/log" --wait --timeout=60 --silent \
      --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' \
      -c max_connections=200 -c shared_buffers=64MB" >/dev/null 2>&1; then
      echo "postgres://keji:$password@127.0.0.1:$port/postgres"
      return
    fi
  done
  cat "$dir/log" >&2
  fail "PostgreSQL did not start ($try tries)"
}

database() {
  local url=$1 name=$2
  local psql
  psql=$(programs)/psql
  "$psql" "$url" --quiet -c "drop database if exists $name" -c "create database $name" >/dev/null 2>&1 ||
    fail "no database $name could be made"
  echo "${url%/*}/$name"
}

stop() {
  local dir=$1 pid
  pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null) || pid=
  if [[ -n "$pid" ]]; then
    kill -INT "$pid" 2>/dev/null || true
    for _ in {1..100}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  fi
  rm -rf "$dir"
}

case "${1:-}" in
  which) programs ;;
  start) start "$2" ;;
  database) database "$2" "$3" ;;
  stop) stop "$2" ;;
  *) fail "test-postgres.sh which | start DIR | database URL NAME | stop DIR" ;;
esac
