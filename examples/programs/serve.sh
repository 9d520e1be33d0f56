#!/bin/sh
# A shell that serves with socat, one process for each connection; when it is told to leave, it waits for them.
socat ACCEPT-FD:3,fork EXEC:./answer.sh &
server=$!
answers() { ps -o pid= --ppid "$server"; }
leave() {
  # It accepts no more, and its children go on.
  kill -STOP "$server"
  while [ -n "$(answers)" ]; do sleep 0.1; done
  kill -KILL "$server"
  exit 0
}
trap leave TERM
wait
