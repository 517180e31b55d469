// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/kernel_life_cycle.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "buildenv/lab/qemu.h"

namespace hotpatch::lab {
namespace {

TEST_CASE("modules come before the patches and again with them, patches are taken out downwards, and the log is read last") {
  KernelTrial trial;
  trial.modules = {{"below", {}}, {"above", {}}};
  trial.reloaded = {"above"};
  trial.patches = {{"low", {}}, {"high", {}}};
  trial.tool = "/usr/bin/linux-hotpatch";
  trial.probe = "uname";
  const auto cycle = kernel_life_cycle(std::move(trial));
  REQUIRE(cycle.has_value());
  std::vector<std::string> names;
  for (const Step& step : cycle->scenario.steps) names.push_back(step.name);
  CHECK(names == std::vector<std::string>{"module below", "module above", "probe, original", "the log before the patches",
                                          "load low", "load high", "probe, patched", "module above out", "module above in again",
                                          "probe, patched, above anew", "unload high", "unload low", "probe, reverted",
                                          "the kernel has no new complaints"});
  const std::vector<Step>& steps = cycle->scenario.steps;
  CHECK(steps[3].needs == 1U);
  CHECK(steps[4].needs == 3U);
  CHECK(steps[5].needs == 4U);
  CHECK(steps[10].needs == 5U);
  CHECK(steps[11].needs == 4U);
  CHECK_FALSE(steps[7].expected_status.has_value());  // it may be in use
  CHECK_FALSE(steps[13].needs.has_value());           // whatever happened
  CHECK(cycle->probe_patched == 6U);
  CHECK(cycle->probe_reverted == 12U);
  CHECK(cycle->scenario.files.size() == 4);
}

TEST_CASE("a second life comes behind the first, and before the log is read") {
  KernelTrial trial;
  trial.patches = {{"low", {}}, {"high", {}}};
  trial.tool = "/usr/bin/linux-hotpatch";
  trial.twice = true;
  const auto cycle = kernel_life_cycle(std::move(trial));
  REQUIRE(cycle.has_value());
  std::vector<std::string> names;
  for (const Step& step : cycle->scenario.steps) names.push_back(step.name);
  CHECK(names == std::vector<std::string>{"the log before the patches", "load low", "load high", "unload high", "unload low",
                                          "load low again", "load high again", "unload high again", "unload low again",
                                          "the kernel has no new complaints"});
  CHECK(cycle->scenario.steps[5].needs == 4U);
}

TEST_CASE("nothing to try is an error") { CHECK_FALSE(kernel_life_cycle({}).has_value()); }

TEST_CASE("a kernel boots with its arguments behind the lab's own") {
  const auto argv = qemu_linux_arguments({Accelerator::kTcg, 2, 512, "module.sig_enforce=1", {}});
  CHECK(argv.back().ends_with("rdinit=/init module.sig_enforce=1"));
}

TEST_CASE("a kernel that firmware boots comes after the firmware's variables") {
  const auto is_there = [](const std::vector<std::string>& argv, const char* option, const std::string& value) {
    for (auto at = argv.begin(); at + 1 < argv.end(); ++at)
      if (*at == option && *(at + 1) == value) return true;
    return false;
  };
  const auto plain = qemu_linux_arguments({Accelerator::kTcg, 2, 512, {}, {}});
  CHECK(is_there(plain, "-kernel", "/dev/fd/12"));
  CHECK(std::ranges::find(plain, "-drive") == plain.end());
  const auto argv = qemu_linux_arguments({Accelerator::kTcg, 2, 512, {}, "/usr/share/OVMF/OVMF_CODE_4M.fd"});
  CHECK(is_there(argv, "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"));
  CHECK(is_there(argv, "-drive", "if=pflash,format=raw,file=/dev/fd/12"));
  CHECK(is_there(argv, "-kernel", "/dev/fd/13"));
  CHECK(is_there(argv, "-initrd", "/dev/fd/14"));
}

}  // namespace
}  // namespace hotpatch::lab
