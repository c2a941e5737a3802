#!/bin/sh
# Builds the root of the whole instances (tests/support/nspawn.lua) once, and prints
# its folder. It is kept under a name made from this file, so that a change here
# builds it anew. Needs root and debootstrap; the mirror is the machine's own.
set -eu

packages=systemd,systemd-sysv,dbus,udev,netplan.io,iproute2,iputils-ping,procps,docker.io
packages=$packages,openssh-server,ca-certificates,busybox-static,libcurl4,libssl3,lua5.4,lua-lpeg
packages=$packages,lua-dkjson,lua-yaml,lua-argparse,lua-cqueues,lua-http
packages=$packages,make,gcc,libc6-dev,pkg-config,libssl-dev,libcurl4-openssl-dev,libexpat1-dev,liblua5.4-dev

cache=${ENI6_CACHE:-/var/cache/eni6}
root=$cache/nspawn-$(sha256sum "$0" | cut -c 1-16)
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [ -d "$root" ]; then
  touch "$root"
  echo "$root"
  exit
fi

. /etc/os-release
find_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" | head -n 1
}
mirror=$(find_mirror)
if [ -z "$mirror" ]; then apt-get update -q >&2; mirror=$(find_mirror); fi
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
if [ -n "${http_proxy:-}" ]; then export http_proxy; fi

# Those of another day; one of today may be in use by an older tree's tests.
find "$cache" -maxdepth 1 -name 'nspawn-*' -mtime +0 -exec rm -rf {} +
new=$cache/nspawn-new
rm -rf "$new"
if ! debootstrap --variant=minbase --include="$packages" "$VERSION_CODENAME" "$new" "$mirror" >"$cache/debootstrap.log" 2>&1 9>&-; then
  tail -n 20 "$cache/debootstrap.log" >&2
  rm -rf "$new"
  exit 1
fi

# Archives cannot be reached from an instance of the tests: apt installs from the disk.
archive=$new/var/local/archive
mkdir "$archive"
cp "$new"/var/cache/apt/archives/lua-argparse_*.deb "$archive"
(
  cd "$archive"
  for deb in *.deb; do
    dpkg-deb --field "$deb"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
  done >Packages
)
echo 'deb [trusted=yes] file:/var/local/archive ./' >"$new/etc/apt/sources.list"

# What a cloud image has, and a container needs.
rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/etc/ssh/ssh_host_* "$new"/etc/machine-id
systemctl --root="$new" --quiet enable systemd-networkd ssh docker 2>/dev/null
systemctl --root="$new" --quiet mask systemd-networkd-wait-online apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-firstboot systemd-timesyncd 2>/dev/null
mkdir -p "$new/etc/systemd/system/docker.service.d" "$new/etc/ssh/sshd_config.d"
# On cgroup v1 the controllers are read-only in a container until they are mounted again.
cat >"$new/usr/local/sbin/writable-cgroups" <<'SCRIPT'
#!/bin/sh
awk '$3 == "cgroup" { print $2 }' /proc/mounts | while read -r m; do mount -o remount,bind,rw "$m"; done
SCRIPT
chmod 755 "$new/usr/local/sbin/writable-cgroups"
printf '[Service]\nExecStartPre=-/usr/local/sbin/writable-cgroups\n' >"$new/etc/systemd/system/docker.service.d/cgroup.conf"
printf 'PermitRootLogin prohibit-password\nUseDNS no\n' >"$new/etc/ssh/sshd_config.d/instance.conf"
mv "$new" "$root"
echo "$root"
