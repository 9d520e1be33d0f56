#!/bin/sh
# Answers one request on standard input and output: see serve.sh
read -r request
case $request in *" /slow "*) sleep 2 ;; esac
while read -r line && [ "$line" != "$(printf '\r')" ]; do :; done
body="Hello from process $$"
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n' $((${#body} + 1)) "$body"
