// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who else watches or changes the functions that a live patch is for. The kernel accepts most of it, and then the one or the other goes
// silent: a kprobe behind a function's entry stays in the old body, which nobody runs any more. Another user that changes the flow of
// control there (a kprobe with a post handler, another tracer of that kind) makes the kernel refuse the patch, with -EBUSY for both.
//
// Sources: kprobes/list of debugfs (Linux 6.1, kernel/kprobes.c, show_kprobe_addr), enabled_functions of tracefs (kernel/trace/ftrace.c,
// t_show: "NAME (COUNT) R I D", of which I is a user that may change the instruction pointer, and D a direct call, as BPF's fentry).
#pragma once

#include <string>
#include <vector>

#include "linux/host/kernel.h"

namespace hotpatch::kernel::host {

struct ProbeReport {
  std::vector<std::string> warnings;  // what goes silent, or may
  std::vector<std::string> refusals;  // what the kernel would refuse the patch for
};

/// `functions`: as the module names them, "vmlinux pipe_read,1". `patched`: those of them that live patches in effect have, by the same
/// names: their own tracer is no stranger.
[[nodiscard]] ProbeReport find_probes(Kernel& kernel, const std::vector<std::string>& functions,
                                      const std::vector<std::string>& patched);

}  // namespace hotpatch::kernel::host
