// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/guest_script.h"

#include <cstdio>
#include <string_view>
#include <utility>

namespace hotpatch::lab {
namespace {

// Set-up's complaints go to the console. The order of the modules is that of their dependence: xenfs and libxenctrl want privcmd.
// The steps get no standard input. What a step leaves running in the background lives on, also after the step's time-out.
// EPOCHREALTIME (BusyBox 1.34) has microseconds; with the dot dropped it is a whole number of them.
// The markers on the console must come in order with the messages there: that is how messages find their step. With Xen they go to hvc0,
// which the hypervisor's own console passes on. Without, they must go through the kernel's own log: what is written to a serial line is
// sent by interrupts, and the kernel's messages would get in between its letters.
constexpr std::string_view kInit = R"sh(#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /var/lib /var/log /etc /usr/bin /usr/sbin /sbin
/bin/busybox --install -s
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
ln -sf /run /var/run
for module in xen-privcmd xen-evtchn xenfs; do
  [ -e /lab/modules/$module.ko ] && insmod /lab/modules/$module.ko
done
if [ -e /lab/hypervisor ]; then
  mount -t xenfs xenfs /proc/xen
  mark() { echo "$1" >/dev/hvc0; }
else
  mount -t debugfs debugfs /sys/kernel/debug
  mark() { echo "<1>$1" >/dev/kmsg; }
fi
hostname lab
exec 3>/dev/ttyS1
stty -F /dev/ttyS1 raw -echo 2>/dev/null
echo "@ready $(uname -r)" >&3
cd /tmp
for directory in /lab/steps/*; do
  index=${directory##*/}
  needs=$(cat $directory/needs)
  if [ -n "$needs" ] && [ ! -e /lab/steps/$needs/passed ]; then
    echo "@skip $index" >&3
    continue
  fi
  echo "@begin $index" >&3
  mark "@lab-begin $index"
  start=$EPOCHREALTIME
  timeout -s KILL $(cat $directory/timeout) sh $directory/command </dev/null >/tmp/lab.out 2>/tmp/lab.err 3>&-
  status=$?
  stop=$EPOCHREALTIME
  mark "@lab-end $index"
  expected=$(cat $directory/expected)
  if [ -z "$expected" ] || [ "$expected" = "$status" ]; then : >$directory/passed; fi
  for stream in out err; do
    if [ -s /tmp/lab.$stream ]; then
      echo "@$stream $index" >&3
      head -c $(cat /lab/limit) /tmp/lab.$stream | base64 >&3
    fi
  done
  echo "@end $index $status $((${stop%.*}${stop#*.} - ${start%.*}${start#*.}))" >&3
done
echo "@done" >&3
stty -F /dev/ttyS1 >/dev/null 2>&1
sleep 1
poweroff -f
)sh";

GuestFile text_file(std::string path, std::string_view text) {
  const ByteView bytes = as_byte_view(text);
  return GuestFile{std::move(path), Bytes(bytes.begin(), bytes.end()), 0644};
}

}  // namespace

std::string init_script() { return std::string(kInit); }

Result<std::vector<GuestFile>> step_files(const Scenario& scenario, System system) {
  const auto directory = [](std::size_t index) {
    char digits[32];
    (void)std::snprintf(digits, sizeof digits, "%06zu", index);  // the shell's glob sorts by name
    return std::string(digits);
  };
  std::vector<GuestFile> files;
  files.push_back(text_file("/lab/limit", std::to_string(kMaxStepOutput)));
  if (system == System::kXen) files.push_back(text_file("/lab/hypervisor", "xen"));
  for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    if (step.needs && *step.needs >= i)
      return fail(Errc::kInvalid, "step " + std::to_string(i) + " (" + step.name + ") needs step " + std::to_string(*step.needs) +
                                      ", which does not come before it");
    if (step.command.find('\0') != std::string::npos)
      return fail(Errc::kInvalid, "step " + std::to_string(i) + " (" + step.name + ") has a NUL in its command");
    const std::string at = "/lab/steps/" + directory(i) + "/";
    files.push_back(text_file(at + "command", step.command + "\n"));
    files.push_back(text_file(at + "expected", step.expected_status ? std::to_string(*step.expected_status) : ""));
    files.push_back(text_file(at + "timeout", std::to_string(step.timeout.count())));
    files.push_back(text_file(at + "needs", step.needs ? directory(*step.needs) : ""));
  }
  return files;
}

}  // namespace hotpatch::lab
