// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/lab.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "buildenv/lab/cpio.h"
#include "buildenv/lab/firmware.h"
#include "buildenv/lab/guest_program.h"
#include "buildenv/lab/guest_script.h"
#include "buildenv/lab/kernel.h"
#include "buildenv/lab/machine.h"
#include "buildenv/lab/protocol.h"
#include "buildenv/lab/qemu.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::lab {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr unsigned kHypervisorMemoryMib = 384;
constexpr unsigned kLeastMemoryMib = 640;
constexpr unsigned kLeastKernelMemoryMib = 256;
constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::milliseconds kCrashTail{1500};  // time for a dying hypervisor to print its registers and stack
constexpr std::chrono::seconds kStepGrace{20};         // beyond a step's own limit, which the guest enforces while it lives

std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

Result<Bytes> make_initramfs(const Scenario& scenario, System system, const std::vector<fs::path>& modules) {
  CpioArchive archive;
  for (const char* directory : {"/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/etc", "/var/lib", "/var/log"})
    HP_TRY(archive.add_directory(directory));
  const std::string text = init_script();
  const ByteView script = as_byte_view(text);
  HP_TRY(archive.add_file("/init", Bytes(script.begin(), script.end()), 0755));
  HP_ASSIGN(const fs::path busybox, find_program("busybox", "busybox-static"));
  HP_TRY(add_program(archive, busybox, "/bin/busybox"));
  for (const fs::path& module : modules) {
    HP_ASSIGN(Bytes content, read_file(module));
    HP_TRY(archive.add_file("/lab/modules/" + module.filename().string(), std::move(content), 0644));
  }
  for (const std::string& program : scenario.programs)
    HP_TRY(add_program(archive, program, "/usr/bin/" + fs::path(program).filename().string()));
  HP_ASSIGN(std::vector<GuestFile> files, step_files(scenario, system));
  files.insert(files.end(), scenario.files.begin(), scenario.files.end());
  for (GuestFile& file : files) HP_TRY(archive.add_file(file.path, std::move(file.content), file.mode));
  return archive.write();
}

// QEMU's multiboot loader takes the image as it is, and Debian ships it compressed.
Result<Bytes> boot_image(const fs::path& path) {
  HP_ASSIGN_DOING("read the boot image", Bytes content, read_file(path));
  if (content.size() < 2 || load_le<std::uint16_t>(content, 0) != 0x8B1F) return content;
  process::Command command;
  command.argv = {"gzip", "-dc", path.string()};
  HP_ASSIGN_DOING("unpack the boot image", const process::Outcome outcome, process::run_checked(command));
  const ByteView bytes = as_byte_view(outcome.output);
  return Bytes(bytes.begin(), bytes.end());
}

struct Kept {  // what Options::keep asks for
  std::string console;
  std::string protocol;
};

Result<> keep(const fs::path& directory, const std::vector<std::string>& argv, const Bytes& initramfs, const Kept& lines,
              const std::string& messages) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail_errno("make " + directory.string(), error.value());
  process::Command command;
  command.argv = argv;
  HP_TRY(write_file(directory / "initramfs.cpio", initramfs));
  HP_TRY(write_file(directory / "console.log", std::string_view(lines.console)));
  HP_TRY(write_file(directory / "protocol.log", std::string_view(lines.protocol)));
  HP_TRY(write_file(directory / "qemu.log", std::string_view(messages)));
  return write_file(directory / "qemu.command", std::string_view(process::describe(command) + "\n"));
}

std::string where(const GuestObserver& observer) {
  if (!observer.is_ready()) return "while booting";
  const std::optional<std::size_t> step = observer.running_step();
  return step ? "in the step '" + observer.outcome(*step).name + "'" : "between two steps";
}

struct Ending {
  Verdict verdict;
  std::string reason;
};

// Watches the guest until there is a verdict about it. Step outcomes that were not as expected are judged afterwards.
class Watch {
 public:
  Watch(const Scenario& scenario, const Options& options, Machine& machine, GuestObserver& observer)
      : scenario_(scenario), options_(options), machine_(machine), observer_(observer) {}

  Result<Ending> run() {
    while (true) {
      if (options_.stop != nullptr && options_.stop->load()) return Ending{Verdict::kInterrupted, "stopped on request"};
      HP_ASSIGN(const Machine::Input input, machine_.read(kTick));
      kept_.console += input.console;
      kept_.protocol += input.protocol;
      if (!input.protocol.empty()) step_start_ = Clock::now();  // a long answer on a slow line is progress
      observer_.feed_console(input.console);
      const bool was_ready = observer_.is_ready();
      observer_.feed_protocol(input.protocol);
      if (!was_ready && observer_.is_ready()) note_ready();
      while (const auto index = observer_.take_finished())
        if (options_.on_step) options_.on_step(observer_.outcome(*index));
      if (const std::optional<Ending> ending = judge()) return *ending;
    }
  }
  [[nodiscard]] const Kept& kept() const noexcept { return kept_; }
  [[nodiscard]] std::chrono::milliseconds boot_time() const noexcept { return boot_time_; }
  [[nodiscard]] Clock::time_point start() const noexcept { return start_; }

 private:
  void note_ready() {
    boot_time_ = since(start_);
    if (options_.on_progress)
      options_.on_progress((options_.system == System::kXen ? "dom0 is up, Linux " : "Linux is up, ") +
                           observer_.kernel_version());
  }

  std::optional<Ending> judge() {
    const Clock::time_point now = Clock::now();
    if (observer_.is_done()) return Ending{Verdict::kPassed, ""};
    const auto bad = [this](Verdict verdict, const std::string& what) {
      return Ending{observer_.is_ready() ? verdict : Verdict::kBootFailed, what + " " + where(observer_)};
    };
    if (machine_.is_over()) {
      if (observer_.fatal()) return bad(Verdict::kCrashed, *observer_.fatal());
      if (!observer_.is_ready() && !machine_.messages().empty())
        return bad(Verdict::kCrashed, "QEMU ended with: " + machine_.messages());
      return bad(Verdict::kCrashed, "the machine was reset or switched off");
    }
    if (observer_.fatal()) {
      if (!fatal_seen_) fatal_seen_ = now;
      if (now - *fatal_seen_ >= kCrashTail) return bad(Verdict::kCrashed, *observer_.fatal());
    }
    if (now - start_ >= options_.timeout)
      return bad(Verdict::kHung, "the time limit of " + std::to_string(options_.timeout.count()) + " s was reached" + stall());
    return judge_step(now);
  }

  // A step that outlives its own limit by much has taken the guest with it: no need to wait for the whole time limit.
  std::optional<Ending> judge_step(Clock::time_point now) {
    const std::optional<std::size_t> running = observer_.running_step();
    if (running != step_) {
      step_ = running;
      step_start_ = now;
    }
    if (!running) return std::nullopt;
    const Step& step = scenario_.steps[*running];
    if (now - step_start_ < step.timeout + kStepGrace) return std::nullopt;
    return Ending{Verdict::kHung, "the guest no longer answers: the step '" + step.name + "' has not ended within its limit of " +
                                      std::to_string(step.timeout.count()) + " s" + stall()};
  }

  [[nodiscard]] std::string stall() const { return observer_.stall().empty() ? "" : "; the kernel says: " + observer_.stall(); }

  const Scenario& scenario_;
  const Options& options_;
  Machine& machine_;
  GuestObserver& observer_;
  Kept kept_;
  Clock::time_point start_ = Clock::now();
  std::chrono::milliseconds boot_time_{0};
  std::optional<Clock::time_point> fatal_seen_;
  std::optional<std::size_t> step_;
  Clock::time_point step_start_;  // or of the latest report from it
};

Result<> check_options(const Options& options) {
  if (options.processors < 1 || options.processors > 64)
    return fail(Errc::kInvalid, std::to_string(options.processors) + " processors: between 1 and 64 can be had");
  const bool is_xen = options.system == System::kXen;
  const unsigned least = is_xen ? kLeastMemoryMib : kLeastKernelMemoryMib;
  if (options.memory_mib < least)
    return fail(Errc::kInvalid, std::to_string(options.memory_mib) + " MiB of memory: " +
                                    (is_xen ? "Xen and dom0 need " : "a kernel needs ") + std::to_string(least));
  if (options.kernel_arguments.find('\n') != std::string::npos)
    return fail(Errc::kInvalid, "a newline in the kernel's command line");
  if (options.timeout.count() < 1) return fail(Errc::kInvalid, "a time limit below one second");
  return {};
}

// The outcome of the steps decides between passed and failed.
void judge_outcomes(Transcript& transcript) {
  if (transcript.verdict != Verdict::kPassed) return;
  for (const StepOutcome& step : transcript.steps) {
    if (step.state == StepState::kDone) continue;
    transcript.verdict = Verdict::kFailed;
    if (step.state == StepState::kUnexpected) {
      transcript.reason = "the step '" + step.name + "' ended with status " + std::to_string(step.exit_status);
      return;
    }
    if (transcript.reason.empty()) transcript.reason = "the step '" + step.name + "' was " + step_state_name(step.state);
  }
}

// All that a machine is started with.
struct Boot {
  std::vector<Bytes> files;  // the initramfs is the last one
  std::vector<std::string> argv;
  std::string what;
  std::string kernel_version;  // empty: what the guest says
};

Result<Boot> prepare_xen(const Scenario& scenario, const Options& options, Accelerator accelerator) {
  Boot boot;
  HP_ASSIGN(Bytes image, boot_image(options.boot_image));
  HP_ASSIGN(const Dom0Kernel kernel, dom0_kernel(options.cache));
  HP_ASSIGN(Bytes kernel_image, read_file(kernel.image));
  HP_ASSIGN(Bytes initramfs, make_initramfs(scenario, options.system, kernel.modules));
  const XenMachine machine{accelerator, options.processors, options.memory_mib, options.memory_mib - kHypervisorMemoryMib};
  boot.what = options.boot_image.filename().string() + " with dom0 Linux " + kernel.version;
  if (is_efi_program(image)) {
    HP_ASSIGN(const fs::path firmware, find_firmware());
    HP_ASSIGN(Bytes disk, efi_disk(std::move(image), std::move(kernel_image), initramfs, machine));
    for (Bytes* content : {&disk, &initramfs}) boot.files.push_back(std::move(*content));
    boot.argv = qemu_efi_arguments(machine, firmware.string());
    boot.what += ", by " + firmware.filename().string() + ",";
  } else {
    for (Bytes* content : {&image, &kernel_image, &initramfs}) boot.files.push_back(std::move(*content));
    boot.argv = qemu_xen_arguments(machine);
  }
  boot.kernel_version = kernel.version;
  return boot;
}

Result<Boot> prepare_linux(const Scenario& scenario, const Options& options, Accelerator accelerator) {
  Boot boot;
  HP_ASSIGN_DOING("read the boot image", Bytes image, read_file(options.boot_image));
  HP_ASSIGN(Bytes initramfs, make_initramfs(scenario, options.system, {}));
  LinuxMachine machine{accelerator, options.processors, options.memory_mib, options.kernel_arguments, {}};
  boot.what = options.boot_image.filename().string();
  if (!options.firmware_variables.empty()) {
    HP_ASSIGN(const fs::path firmware, find_firmware());
    machine.firmware = firmware.string();
    boot.files.push_back(options.firmware_variables);
    boot.what += ", by " + firmware.filename().string() + ",";
  }
  for (Bytes* content : {&image, &initramfs}) boot.files.push_back(std::move(*content));
  boot.argv = qemu_linux_arguments(machine);
  return boot;
}

Result<Boot> prepare(const Scenario& scenario, const Options& options, Accelerator accelerator) {
  return options.system == System::kXen ? prepare_xen(scenario, options, accelerator)
                                        : prepare_linux(scenario, options, accelerator);
}

}  // namespace

Result<Transcript> run(const Scenario& scenario, const Options& options) {
  HP_TRY(check_options(options));
  const auto progress = [&options](const std::string& text) {
    if (options.on_progress) options.on_progress(text);
  };
  Accelerator accelerator = options.accelerator;
  if (accelerator == Accelerator::kAutomatic) {
    HP_ASSIGN(accelerator, best_accelerator());
  }
  HP_ASSIGN(const Boot boot, prepare(scenario, options, accelerator));
  std::vector<UniqueFd> files;
  for (const Bytes& content : boot.files) {
    HP_ASSIGN(UniqueFd file, memory_file("boot", content));
    files.push_back(std::move(file));
  }
  const std::vector<std::string>& argv = boot.argv;
  progress("booting " + boot.what + " on " + accelerator_name(accelerator));
  HP_ASSIGN(Machine machine, Machine::start(argv, files));
  GuestObserver observer(scenario.steps, options.system);
  Watch watch(scenario, options, machine, observer);
  HP_ASSIGN(Ending ending, watch.run());
  (void)machine.kill();

  Transcript transcript;
  transcript.verdict = ending.verdict;
  transcript.reason = std::move(ending.reason);
  transcript.boot_time = watch.boot_time();
  transcript.total_time = since(watch.start());
  transcript.accelerator = accelerator_name(accelerator);
  transcript.kernel_version = boot.kernel_version.empty() ? observer.kernel_version() : boot.kernel_version;
  GuestObserver::Record record = std::move(observer).finish();
  transcript.steps = std::move(record.steps);
  transcript.console = std::move(record.console);
  judge_outcomes(transcript);
  if (!options.keep.empty()) HP_TRY(keep(options.keep, argv, boot.files.back(), watch.kept(), machine.messages()));
  return transcript;
}

}  // namespace hotpatch::lab
