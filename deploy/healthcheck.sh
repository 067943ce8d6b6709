#!/bin/bash
# Exits 0 when kmirror answers /livez on this machine. Bash speaks TCP itself, so that the image needs no client.
# HEALTH_PORT: the port of `http.listen`, where it is not the default.
exec 3<>"/dev/tcp/127.0.0.1/${HEALTH_PORT:-9646}" || exit 1
printf 'GET /livez HTTP/1.0\r\n\r\n' >&3
read -r -t 4 status <&3 && [[ $status == *' 200 '* ]]
