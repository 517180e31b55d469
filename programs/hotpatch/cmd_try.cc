// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/cmd_try.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include "buildenv/base.h"
#include "buildenv/cache.h"
#include "buildenv/lab/guest_program.h"
#include "buildenv/lab/kernel_life_cycle.h"
#include "buildenv/lab/lab.h"
#include "buildenv/lab/life_cycle.h"
#include "buildenv/linux/stock_modules.h"
#include "common/support/digest.h"
#include "common/support/file.h"
#include "common/support/manifest.h"
#include "linux/payload/module_info.h"
#include "programs/hotpatch/papers.h"
#include "xen/payload/payload.h"

namespace hotpatch::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kXenTool = "xen-hotpatch";
constexpr const char* kLinuxTool = "linux-hotpatch";
constexpr std::size_t kConsoleTail = 40;

struct TryArguments {
  std::vector<std::string> payloads;
  std::string base;
  std::string probe;
  std::string xen_tool;
  std::string linux_tool;
  std::vector<std::string> modules;
  std::string kernel_arguments;
  std::string keep;
  std::string record;
  unsigned processors = 2;
  unsigned memory_mib = 1024;
  unsigned timeout_s = 120;
  lab::Accelerator accelerator = lab::Accelerator::kAutomatic;
};

std::atomic<bool> stop_requested{false};
std::atomic<int> stop_signal{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

extern "C" void on_stop_signal(int number) {
  stop_signal.store(number);
  stop_requested.store(true);
}

// Lets the run end in order (QEMU killed, temporary files removed) on a signal, and then die of that signal as the caller expects.
class StopSignals {
 public:
  StopSignals() {
    struct sigaction action{};
    action.sa_handler = on_stop_signal;
    (void)::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kNumbers.size(); ++i) (void)::sigaction(kNumbers[i], &action, &former_[i]);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() {
    for (std::size_t i = 0; i < kNumbers.size(); ++i) (void)::sigaction(kNumbers[i], &former_[i], nullptr);
    if (const int number = stop_signal.load(); number != 0) (void)::raise(number);
  }

 private:
  static constexpr std::array<int, 3> kNumbers = {SIGINT, SIGTERM, SIGHUP};
  std::array<struct sigaction, 3> former_{};
};

// The tool that was built or installed together with this program comes first: a payload's format and its tool belong together.
Result<fs::path> find_tool(const std::string& wanted, const std::string& name) {
  if (!wanted.empty()) return fs::path(wanted);
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    for (const fs::path& candidate : {self.parent_path() / name, self.parent_path().parent_path() / "sbin" / name})
      if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return lab::find_program(name, "hotpatch, or build the target " + name);
}

std::string milliseconds(std::chrono::microseconds duration) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(duration.count() < 10'000 ? 1 : 0) << static_cast<double>(duration.count()) / 1000.0
       << " ms";
  return text.str();
}

std::string seconds(std::chrono::milliseconds duration) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << static_cast<double>(duration.count()) / 1000.0 << " s";
  return text.str();
}

// A terminal must not get control characters from a guest. Xen's console is ASCII, but for a payload's metadata, whose raw bytes it
// prints as they are; what a step says may be UTF-8.
std::string printable(std::string text, bool ascii) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F || (ascii && byte >= 0x80)) c = '.';
  }
  return text;
}

void print_lines(const std::string& text, const char* margin) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) std::cout << margin << printable(line, false) << '\n';
}

void print_step(const lab::StepOutcome& step) {
  const bool ran = step.exit_status >= 0;
  const bool good = step.state == lab::StepState::kDone;
  std::cout << (good                                     ? "  ok    "
                : step.state == lab::StepState::kSkipped ? "  --    "
                                                         : "  FAIL  ")
            << std::left << std::setw(36) << step.name;
  if (ran) std::cout << std::right << std::setw(10) << milliseconds(step.duration);
  if (!good) std::cout << "  " << lab::step_state_name(step.state);
  if (ran && !good) std::cout << ", status " << step.exit_status;
  std::cout << '\n';
  print_lines(step.output, "          ");
  print_lines(step.errors, "        ! ");
  for (const std::string& line : step.console) std::cout << "        | " << printable(line, true) << '\n';
  std::cout.flush();
}

struct ProbeEffect {
  bool changed = false;   // its output or status with the payload differs from before
  bool restored = false;  // after the revert they are as before
};

std::optional<ProbeEffect> probe_effect(const lab::LifeCycle& cycle, const lab::Transcript& transcript) {
  if (!cycle.probe_original || !cycle.probe_patched || !cycle.probe_reverted) return std::nullopt;
  const auto ran = [&transcript](std::size_t index) { return transcript.steps[index].exit_status >= 0; };
  if (!ran(*cycle.probe_original) || !ran(*cycle.probe_patched) || !ran(*cycle.probe_reverted)) return std::nullopt;
  const auto same = [&transcript](std::size_t left, std::size_t right) {
    const lab::StepOutcome& a = transcript.steps[left];
    const lab::StepOutcome& b = transcript.steps[right];
    return a.exit_status == b.exit_status && a.output == b.output;
  };
  return ProbeEffect{!same(*cycle.probe_original, *cycle.probe_patched), same(*cycle.probe_original, *cycle.probe_reverted)};
}

void print_verdict(const lab::Transcript& transcript, const std::optional<ProbeEffect>& effect) {
  if (transcript.verdict != lab::Verdict::kPassed && transcript.verdict != lab::Verdict::kFailed) {
    const std::size_t count = transcript.console.size();
    std::cout << "the console's last lines:\n";
    for (std::size_t i = count > kConsoleTail ? count - kConsoleTail : 0; i < count; ++i)
      std::cout << "        | " << printable(transcript.console[i], true) << '\n';
  }
  if (effect) {
    std::cout << "probe: its answer " << (effect->changed ? "changed" : "did not change") << " with the payload applied, and "
              << (effect->restored ? "is as before after the revert" : "is NOT as before after the revert") << '\n';
  }
  std::cout << lab::verdict_name(transcript.verdict);
  if (!transcript.reason.empty()) std::cout << ": " << transcript.reason;
  std::cout << " (boot " << seconds(transcript.boot_time) << ", boot to verdict " << seconds(transcript.total_time) << ", "
            << transcript.accelerator << ")\n";
}

Json step_json(const lab::StepOutcome& step) {
  Json json;
  json["name"] = step.name;
  json["command"] = step.command;
  json["state"] = lab::step_state_name(step.state);
  if (step.exit_status >= 0) {
    json["exit_status"] = step.exit_status;
    json["milliseconds"] = static_cast<double>(step.duration.count()) / 1000.0;
    json["output"] = step.output;
    json["errors"] = step.errors;
  }
  json["console"] = step.console;
  return json;
}

Json document(const lab::Transcript& transcript, const std::optional<ProbeEffect>& effect, lab::System system) {
  Json json = make_document("try");
  json["verdict"] = lab::verdict_name(transcript.verdict);
  if (!transcript.reason.empty()) json["reason"] = transcript.reason;
  json["accelerator"] = transcript.accelerator;
  json[system == lab::System::kXen ? "dom0_kernel" : "kernel"] = transcript.kernel_version;
  json["boot_milliseconds"] = transcript.boot_time.count();
  json["total_milliseconds"] = transcript.total_time.count();
  if (effect) {
    json["probe"]["changed"] = effect->changed;
    json["probe"]["restored"] = effect->restored;
  }
  json["steps"] = Json::array();
  for (const lab::StepOutcome& step : transcript.steps) json["steps"].push_back(step_json(step));
  json["console"] = transcript.console;
  return json;
}

// The tool's own word for why it refused (busy, rejected, nothing to do, trust) is handed on.
ExitCode exit_of(const lab::Transcript& transcript) {
  if (transcript.verdict == lab::Verdict::kPassed) return ExitCode::kDone;
  if (transcript.verdict != lab::Verdict::kFailed) return ExitCode::kError;
  for (const lab::StepOutcome& step : transcript.steps) {
    if (step.state != lab::StepState::kUnexpected) continue;
    const bool is_tool = step.command.starts_with(kXenTool) || step.command.starts_with(kLinuxTool);
    if (is_tool && step.exit_status >= static_cast<int>(ExitCode::kBusy) &&
        step.exit_status <= static_cast<int>(ExitCode::kTrust))
      return static_cast<ExitCode>(step.exit_status);
    break;
  }
  return ExitCode::kError;
}

/// What must never be unloaded is not applied a second time.
bool is_staying(const KeyValues& metadata, const std::string& prefix) {
  return read_manifest(metadata, prefix).value_or(Manifest()).stays_loaded;
}

Result<lab::LifeCycle> xen_cycle(const TryArguments& arguments) {
  if (!arguments.modules.empty()) return fail(Errc::kUsage, "--module is for bases of Linux");
  lab::Trial trial;
  trial.payloads.assign(arguments.payloads.begin(), arguments.payloads.end());
  trial.probe = arguments.probe;
  for (const std::string& path : arguments.payloads) {
    HP_ASSIGN_DOING("read the payload", Bytes file, read_file(path));
    const Result<xen::PayloadInfo> info = xen::read_payload(std::move(file), path);
    if (info && is_staying(info->metadata.entries, "")) trial.staying.insert(path);
  }
  trial.twice = !arguments.record.empty() && trial.staying.empty();
  HP_ASSIGN(trial.tool, find_tool(arguments.xen_tool, kXenTool));
  return lab::life_cycle(trial);
}

// The modules that the user names, and those that the patches say they are for.
Result<lab::LifeCycle> linux_cycle(const TryArguments& arguments, const buildenv::Base& base) {
  lab::KernelTrial trial;
  trial.probe = arguments.probe;
  trial.twice = !arguments.record.empty();
  HP_ASSIGN(trial.tool, find_tool(arguments.linux_tool, kLinuxTool));
  trial.reloaded = arguments.modules;
  for (std::string& name : trial.reloaded) std::ranges::replace(name, '-', '_');  // as the kernel calls it
  for (const std::string& path : arguments.payloads) {
    HP_ASSIGN_DOING("read the live patch", Bytes file, read_file(path));
    HP_ASSIGN_DOING(path, const kernel::payload::ModuleInfo info, kernel::payload::read_module_info(file));
    HP_ASSIGN_DOING(path, const auto targets, kernel::payload::target_modules(info));
    if (is_staying(info.entries, "hotpatch_")) trial.twice = false;
    for (const kernel::payload::TargetModule& target : targets) trial.reloaded.push_back(target.name);
    trial.patches.push_back(
        {lab::payload_name(info.name().empty() ? fs::path(path).stem() : fs::path(info.name())), std::move(file)});
  }
  std::sort(trial.reloaded.begin(), trial.reloaded.end());
  trial.reloaded.erase(std::unique(trial.reloaded.begin(), trial.reloaded.end()), trial.reloaded.end());
  HP_ASSIGN(std::vector<buildenv::StockModule> modules, buildenv::stock_modules(base, trial.reloaded));
  for (buildenv::StockModule& module : modules) trial.modules.push_back({std::move(module.name), std::move(module.file)});
  return lab::kernel_life_cycle(std::move(trial));
}

Result<ExitCode> run_try(const TryArguments& arguments, bool json) {
  HP_ASSIGN(const buildenv::Base base, buildenv::load_base(arguments.base));
  lab::Options options;
  options.system = base.kernel ? lab::System::kLinux : lab::System::kXen;
  HP_ASSIGN(const lab::LifeCycle cycle, base.kernel ? linux_cycle(arguments, base) : xen_cycle(arguments));
  options.kernel_arguments = arguments.kernel_arguments;
  options.boot_image = base.boot_path();
  HP_ASSIGN(options.cache, buildenv::cache_directory());
  options.accelerator = arguments.accelerator;
  options.processors = arguments.processors;
  options.memory_mib = arguments.memory_mib;
  options.timeout = std::chrono::seconds(arguments.timeout_s);
  options.keep = arguments.keep;
  options.stop = &stop_requested;
  const bool show_progress = ::isatty(STDERR_FILENO) == 1;
  options.on_progress = [show_progress](const std::string& text) {
    if (show_progress) std::cerr << text << '\n';
  };
  if (!json) options.on_step = print_step;

  // What is tried are the files as they are now; the guest gets these bytes.
  std::vector<std::string> digests;
  for (const std::string& path : arguments.payloads) {
    HP_ASSIGN_DOING("read the payload", const Bytes file, read_file(path));
    digests.push_back(sha256_text(file));
  }
  const StopSignals signals;
  HP_ASSIGN(const lab::Transcript transcript, lab::run(cycle.scenario, options));
  const std::optional<ProbeEffect> effect = probe_effect(cycle, transcript);
  Json outcome = document(transcript, effect, options.system);
  outcome["trial"] = record_json(digests, base.build_id, cycle.is_twice);
  if (!arguments.record.empty()) HP_TRY(write_file(arguments.record, as_byte_view(document_text(outcome))));
  if (json) {
    print_document(outcome);
  } else {
    for (const lab::StepOutcome& step : transcript.steps)
      if (step.state == lab::StepState::kInterrupted) print_step(step);
    print_verdict(transcript, effect);
  }
  std::cout.flush();
  return exit_of(transcript);
}

}  // namespace

void add_try_command(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("try", "Boot the base in QEMU; load the patch, probe, and take it back out there.");
  const auto arguments = std::make_shared<TryArguments>();
  command->add_option("FILE", arguments->payloads, "Payloads, or modules of Linux, in the order in which they are applied")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--base", arguments->base, "The base to boot")->required()->type_name("DIR");
  command
      ->add_option("--probe", arguments->probe, "Shell command, run in dom0, or in the guest, before, with and after the patches")
      ->type_name("COMMAND");
  command->add_option("--smp", arguments->processors, "Processors of the machine")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--memory", arguments->memory_mib, "Memory of the machine, in MiB")
      ->check(CLI::Range(256, 65536))
      ->capture_default_str();
  command->add_option("--timeout", arguments->timeout_s, "Seconds from boot to the verdict")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  const std::map<std::string, lab::Accelerator> accelerators = {
      {"auto", lab::Accelerator::kAutomatic}, {"tcg", lab::Accelerator::kTcg}, {"kvm", lab::Accelerator::kKvm}};
  command->add_option("--accelerator", arguments->accelerator, "auto, tcg or kvm; auto takes KVM where it works")
      ->transform(CLI::CheckedTransformer(accelerators))
      ->option_text("NAME:{auto,kvm,tcg}");  // its own text has the numbers behind the names
  command
      ->add_option(
          "--record", arguments->record,
          "Apply and revert everything twice, and write what happened to this file: hotpatch check takes it as the proof that "
          "hooks were tried")
      ->type_name("FILE");
  command->add_option("--keep", arguments->keep, "Keep the initramfs and the console in this directory")->type_name("DIR");
  command
      ->add_option("--module", arguments->modules,
                   "Of a base of Linux: a shipped module to be there, and to be loaded anew with the patch")
      ->type_name("NAME");
  command->add_option("--kernel-arguments", arguments->kernel_arguments, "Of a base of Linux: added to the kernel's command line")
      ->type_name("TEXT");
  command->add_option("--xen-hotpatch", arguments->xen_tool, "The host's tool to try with, if not the one beside this program")
      ->check(CLI::ExistingFile);
  command->add_option("--linux-hotpatch", arguments->linux_tool, "The same for a base of Linux")->check(CLI::ExistingFile);
  add_json_option(*command, chosen);
  command->callback([arguments, &chosen] { chosen.run = [arguments, &chosen] { return run_try(*arguments, chosen.json); }; });
}

}  // namespace hotpatch::cli
