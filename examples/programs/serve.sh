#!/bin/sh
# A shell that serves one connection after the other: tsicorn -k exec -w 4 -- ./serve.sh
leaving=
trap 'leaving=yes; kill -TERM "$one" 2>/dev/null' TERM
while [ -z "$leaving" ]; do
  perl accept.pl ./answer.sh &
  one=$!
  wait "$one"
done
wait
