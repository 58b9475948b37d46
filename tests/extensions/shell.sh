#!/bin/bash
# An extension in bash alone: requests go out over its own /dev/tcp.
name=${0##*/}
host=${AWS_LAMBDA_RUNTIME_API%:*} port=${AWS_LAMBDA_RUNTIME_API##*:}

call() { # method, path, header, body: the answer, head and body
  exec 3<>"/dev/tcp/$host/$port"
  printf '%s /2020-01-01/extension/%s HTTP/1.1\r\nHost: %s\r\n%s\r\nContent-Length: %d\r\n' \
    "$1" "$2" "$AWS_LAMBDA_RUNTIME_API" "$3" "${#4}" >&3
  printf 'Connection: close\r\n\r\n%s' "$4" >&3
  cat <&3
  exec 3>&-
}

registered=$(call POST register "Lambda-Extension-Name: $name" '{"events":["INVOKE","SHUTDOWN"]}')
[[ $registered =~ Lambda-Extension-Identifier:\ ([0-9a-f-]+) ]] || exit 9
identifier=${BASH_REMATCH[1]}
while true; do
  event=$(call GET event/next "Lambda-Extension-Identifier: $identifier" "")
  [[ $event =~ \"eventType\":\"([A-Z]+)\" ]] || exit 8
  echo "$name: ${BASH_REMATCH[1]}"
  [[ ${BASH_REMATCH[1]} == SHUTDOWN ]] && exit 0
done
