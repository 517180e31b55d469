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

namespace {

void add_hardware(std::vector<std::string>& argv, unsigned processors, unsigned memory_mib) {
  for (const int fd : {kConsoleFd, kProtocolFd}) {
    const std::string name = "line" + std::to_string(fd);
    argv.insert(argv.end(), {"-chardev", "file,id=" + name + ",path=" + fd_path(fd), "-serial", "chardev:" + name});
  }
  argv.insert(argv.end(), {"-smp", std::to_string(processors), "-m", std::to_string(memory_mib)});
}

constexpr const char* kDom0Line = "console=hvc0 quiet panic=1 rdinit=/init";

std::string xen_line(const XenMachine& machine) {
  const std::string dom0_memory = std::to_string(machine.dom0_memory_mib) + "M";
  return "console=com1 loglvl=all guest_loglvl=all dom0_mem=" + dom0_memory + ",max:" + dom0_memory;
}

}  // namespace

std::vector<std::string> qemu_linux_arguments(const LinuxMachine& machine) {
  std::vector<std::string> argv = qemu_base_arguments(machine.accelerator);
  add_hardware(argv, machine.processors, machine.memory_mib);
  // Without printk.devkmsg=on the markers of the steps are rate-limited away.
  std::string line = "console=ttyS0 loglevel=6 printk.devkmsg=on oops=panic panic=1 rdinit=/init";
  if (!machine.arguments.empty()) line += " " + machine.arguments;
  int file = kFirstFileFd;
  if (!machine.firmware.empty())
    argv.insert(argv.end(), {"-drive", "if=pflash,format=raw,readonly=on,file=" + machine.firmware, "-drive",
                             "if=pflash,format=raw,file=" + fd_path(file++)});
  argv.insert(argv.end(), {"-kernel", fd_path(file), "-initrd", fd_path(file + 1), "-append", std::move(line)});
  return argv;
}

std::vector<std::string> qemu_xen_arguments(const XenMachine& machine) {
  std::vector<std::string> argv = qemu_base_arguments(machine.accelerator);
  add_hardware(argv, machine.processors, machine.memory_mib);
  argv.insert(argv.end(), {"-kernel", fd_path(kFirstFileFd), "-append", xen_line(machine)});
  // The multiboot loader takes modules apart at commas, and a module's arguments at its first space.
  argv.insert(argv.end(), {"-initrd", fd_path(kFirstFileFd + 1) + " " + kDom0Line + "," + fd_path(kFirstFileFd + 2)});
  return argv;
}

std::vector<std::string> qemu_efi_arguments(const XenMachine& machine, const std::string& firmware) {
  std::vector<std::string> argv = qemu_base_arguments(machine.accelerator);
  add_hardware(argv, machine.processors, machine.memory_mib);
  // Without a store for its variables the firmware keeps them in memory, and starts what a disk has for all machines.
  argv.insert(argv.end(),
              {"-drive", "if=pflash,format=raw,readonly=on,file=" + firmware, "-drive",
               "if=none,id=disk,format=raw,readonly=on,file=" + fd_path(kFirstFileFd), "-device", "virtio-blk-pci,drive=disk"});
  return argv;
}

std::string efi_configuration(const XenMachine& machine, const std::string& kernel, const std::string& initramfs) {
  return "[global]\ndefault=xen\n[xen]\noptions=" + xen_line(machine) + "\nkernel=" + kernel + " " + kDom0Line +
         "\nramdisk=" + initramfs + "\n";
}

}  // namespace hotpatch::lab
