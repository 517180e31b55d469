// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/qemu.h"

#include "buildenv/lab/machine.h"

namespace hotpatch::lab {

std::vector<std::string> qemu_base_arguments(Accelerator accelerator) {
  std::vector<std::string> argv = {kQemuProgram, "-nodefaults", "-no-user-config", "-display",
                                   "none",       "-no-reboot",  "-machine",        "pc"};
  for (std::string& argument : accelerator_arguments(accelerator)) argv.push_back(std::move(argument));
  return argv;
}

std::vector<std::string> qemu_xen_arguments(const XenMachine& machine) {
  std::vector<std::string> argv = qemu_base_arguments(machine.accelerator);
  const std::string dom0_memory = std::to_string(machine.dom0_memory_mib) + "M";
  const auto serial = [&argv](int fd) {
    const std::string name = "line" + std::to_string(fd);
    argv.insert(argv.end(), {"-chardev", "file,id=" + name + ",path=" + fd_path(fd), "-serial", "chardev:" + name});
  };
  serial(kConsoleFd);
  serial(kProtocolFd);
  argv.insert(argv.end(), {"-smp", std::to_string(machine.processors), "-m", std::to_string(machine.memory_mib)});
  argv.insert(argv.end(), {"-kernel", fd_path(kFirstFileFd), "-append",
                           "console=com1 loglvl=all guest_loglvl=all dom0_mem=" + dom0_memory + ",max:" + dom0_memory});
  // The multiboot loader takes modules apart at commas, and a module's arguments at its first space.
  argv.insert(argv.end(),
              {"-initrd", fd_path(kFirstFileFd + 1) + " console=hvc0 quiet panic=1 rdinit=/init," + fd_path(kFirstFileFd + 2)});
  return argv;
}

}  // namespace hotpatch::lab
