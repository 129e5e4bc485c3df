#!/bin/sh
# Starts tor; further options of tor may be given as arguments.
#
# The control port is open to other containers when TOR_CONTROL_PASSWORD is set, else to this one
# alone. It must never be published: whoever has it can read and change all that tor does.
set -eu

control=127.0.0.1:9051
hashed=
if [ -n "${TOR_CONTROL_PASSWORD:-}" ]; then
    control=0.0.0.0:9051
    hashed="HashedControlPassword $(tor --quiet --hash-password "$TOR_CONTROL_PASSWORD" | tail -n 1)"
fi
unset TOR_CONTROL_PASSWORD

exec tor -f - "$@" <<EOT
SocksPort 0.0.0.0:9050
SocksPolicy accept 127.0.0.0/8
SocksPolicy accept 10.0.0.0/8
SocksPolicy accept 172.16.0.0/12
SocksPolicy accept 192.168.0.0/16
SocksPolicy reject *
ControlPort $control
CookieAuthentication 1
DataDirectory /var/lib/tor
ClientOnly 1
Log notice stdout
$hashed
EOT
