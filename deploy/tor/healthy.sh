#!/bin/bash
# Whether tor has a circuit: asked on the control port, with the cookie that only tor's user can
# read. Arguments: tor's folder, the port.
set -euo pipefail

folder=${1:-/var/lib/tor}
port=${2:-9051}

cookie=$(od -An -v -tx1 "$folder/control_auth_cookie" | tr -d ' \n')
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'AUTHENTICATE %s\r\nGETINFO status/circuit-established\r\nQUIT\r\n' "$cookie" >&3
grep -q 'circuit-established=1' <&3
