# Changes of a topology as a user brings them to hosts that run: for each step every host takes its bundle, one after the other,
# and afterwards all that verify.list promises has to hold on each. Run as: apply.sh CLI DIRECTORY HOST...; in DIRECTORY lie
# 1.yaml, 2.yaml and so on. What a host says is printed, and the state that is asked for.
set -euo pipefail
cli=$1 directory=$2
shift 2
cd "$directory"
netgen() { node "$cli" "$@"; }
on() { netgen lab exec --lab changes "$@"; }
stage() { # HOST TOPOLOGY
  rm -rf "staged-$1" && mkdir "staged-$1"
  netgen bundle "$1" --topology "$2" -q | tar -x -C "staged-$1"
  netgen keys export "$1" --topology "$2" -o "staged-$1" -q
  tar -c -C "staged-$1" . | on "$1" -- sh -c 'rm -rf /root/new && mkdir /root/new && tar -x -C /root/new'
}

netgen keys generate 1.yaml -q
netgen lab 1.yaml --boot --keep --prove handshake -q > lab.log 2>&1 < /dev/null
for topology in [0-9].yaml; do
  for host; do
    stage "$host" "$topology"
    echo "$topology $host: apply"
    on "$host" -- bash /root/new/etc/netgen/apply || echo "$topology $host: it went back: $?"
  done
  for host; do
    for try in {1..30}; do
      on "$host" -- bash /etc/netgen/verify > verified && break || sleep 2
    done
    grep '^not ok' -A 1 verified | sed "s/^/$topology $host: /" || true
    echo "$topology $host: again: $(on "$host" -- bash /root/new/etc/netgen/apply 2>&1)"
    echo "$topology $host: links: $(on "$host" -- ip -br link show | grep -oE '^(br|vx|blue)[^ @]*' | sort | tr '\n' ' ')"
    echo "$topology $host: main: $(on "$host" -- ip route show table main proto kernel | grep -c 10.77 || true)"
  done
done
netgen lab down changes
