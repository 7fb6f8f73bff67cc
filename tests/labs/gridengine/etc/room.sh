# The first process of the lab's namespaces: nothing outlives it, and it reaps what is orphaned.
set -e
mount -t proc proc /proc
mount --bind {directory}/etc/hosts /etc/hosts
ip link set lo up
ip addr add {address}/32 dev lo
hostname {host}
touch {directory}/run/room
while :; do sleep 3600 & wait $!; done
