#!/bin/sh
# with_slurm.sh COMMAND...: runs a command under a Slurm of one node, made from Debian's packages in a temporary folder, and
# takes everything down afterwards. Needs root, and a computer that has no Slurm of its own: the configuration is linked to
# /etc/slurm/slurm.conf meanwhile, because Snakemake takes SLURM_CONF away from what it starts in a job.
set -eu
command -v slurmctld >/dev/null && command -v munged >/dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge
}
conf=/etc/slurm/slurm.conf
if [ -e "$conf" ] || [ -L "$conf" ]; then
    echo "There is a $conf already: this would replace a real Slurm" >&2
    exit 1
fi
dir=$(mktemp -d /tmp/slurm.XXXXXX)
chmod 755 "$dir"
mkdir -m 755 "$dir/munge" "$dir/state" "$dir/spool"
cores=$(nproc --all) # without --all OMP_NUM_THREADS counts
memory=$(awk "/MemTotal/ {print int(\$2 / 1100)}" /proc/meminfo)
host=$(hostname -s)
cat >"$dir/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=bf_interval=5,sched_min_interval=100000
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=300
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
ln -s "$dir/slurm.conf" "$conf"
pids=
down() {
    code=$?
    trap - EXIT INT TERM
    scancel --user="$(id -un)" 2>/dev/null || true
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -f "$conf"
    if [ "$code" -eq 0 ]; then rm -rf "$dir"; else echo "The logs of Slurm are kept in $dir" >&2; fi
    exit "$code"
}
trap down EXIT
trap 'exit 1' INT TERM

dd if=/dev/urandom of="$dir/munge/key" bs=1024 count=1 status=none
chmod 600 "$dir/munge/key"
munged --foreground --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
    --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" >"$dir/munged.out" 2>&1 &
pids="$pids $!"
until [ -S "$dir/munge/socket" ]; do sleep 0.1; done
slurmctld -D >"$dir/slurmctld.out" 2>&1 &
pids="$pids $!"
slurmd -D -N "$host" >"$dir/slurmd.out" 2>&1 &
pids="$pids $!"
tries=0
until [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ]; then
        echo "Slurm did not come up" >&2
        exit 1
    fi
    sleep 0.5
done
"$@"
