#!/bin/sh
# Makes the secrets that docker-compose.yml mounts: random ones, a file each, into a folder. What is
# there already stays as it is: the database was made with its password.
#
# Only its owner may enter the folder. The files themselves may be read by everybody, for Compose
# mounts each of them as it is, and in the containers the readers are users of other numbers.
set -eu

folder=$1

umask 022
[ -d "$folder" ] || mkdir "$folder"
chmod 700 "$folder"
for name in postgres_password api_keys flower_password grafana_admin_password; do
    if [ -e "$folder/$name" ]; then
        echo "$folder/$name is there already: left as it is"
    else
        # 32 bytes, in the letters and digits that need no quoting anywhere.
        secret=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')
        printf '%s\n' "$secret" >"$folder/$name.new"
        mv "$folder/$name.new" "$folder/$name"
        echo "$folder/$name: made"
    fi
done
