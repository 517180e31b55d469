// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the end-to-end tests share: the programs under test, payloads built with them, and one guest per test case.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "buildenv/lab/lab.h"
#include "common/process/process.h"
#include "common/support/bytes.h"

namespace hotpatch::e2e {

inline constexpr const char* kReadExtra = "cat /sys/hypervisor/version/extra";
inline constexpr const char* kReadChangeset = "cat /sys/hypervisor/properties/changeset";

[[nodiscard]] std::filesystem::path hotpatch_program();
[[nodiscard]] std::filesystem::path host_tool();
[[nodiscard]] std::filesystem::path base_directory();
[[nodiscard]] std::filesystem::path linux_tool();
[[nodiscard]] std::filesystem::path linux_base_directory();
/// A file of the project.
[[nodiscard]] std::filesystem::path source_file(const std::string& name);
/// The directory of real patches; none if there is none here.
[[nodiscard]] std::optional<std::filesystem::path> corpus();

/// Makes main() return "did not run" if nothing fails.
void mark_skipped();

/// Runs the program under test. Fails the test case if it cannot be started.
process::Outcome hotpatch(std::vector<std::string> arguments);
/// `hotpatch build` of these arguments on the base into a file NAME.livepatch. Fails the test case if it does not succeed.
std::filesystem::path build_payload(const std::string& name, const std::vector<std::string>& arguments);
/// The same on the Linux base, into NAME.ko.
std::filesystem::path build_module(const std::string& name, const std::vector<std::string>& arguments);
/// xen-livepatch, built from the base's own source. Fails the test case if it cannot be.
[[nodiscard]] std::filesystem::path stock_tool();
/// A program of tests/e2e/guest.
[[nodiscard]] std::filesystem::path guest_program(const std::string& name);
/// What a schema of docs/schema does not allow in the document, or why it is none; empty if all is well.
[[nodiscard]] std::string schema_problems(const std::string& schema, const std::string& document);
[[nodiscard]] Bytes content_of(const std::filesystem::path& file);
/// One of the modules in tests/e2e/kernel_modules, built for the Linux base when it is first wanted. Fails the test case if it cannot be.
[[nodiscard]] Bytes kernel_module(const std::string& name);
/// A module of the Linux base as it was shipped.
[[nodiscard]] Bytes stock_module(const std::string& name);

/// One boot of a base, with its host tool in it.
class Guest {
 public:
  explicit Guest(std::string name, lab::System system = lab::System::kXen) : name_(std::move(name)), system_(system) {}
  /// Puts the file into the guest's directory /payloads.
  void add_payload(const std::string& name, Bytes content);
  /// A program of this machine that the guest shall have besides xen-hotpatch.
  void add_program(const std::filesystem::path& program) { scenario_.programs.push_back(program.string()); }
  /// A step, to be judged afterwards by the test case. Returns its index.
  std::size_t add(const std::string& command, std::chrono::seconds timeout = std::chrono::seconds(60));
  /// Runs all steps. Fails the test case unless the guest lives to the end; its transcript stays in the build directory's e2e-logs.
  void run(const lab::Options* options = nullptr);
  [[nodiscard]] const lab::Transcript& transcript() const noexcept { return transcript_; }

  [[nodiscard]] int status(std::size_t step) const { return transcript_.steps.at(step).exit_status; }
  /// Standard output without the newline at its end.
  [[nodiscard]] std::string output(std::size_t step) const;
  [[nodiscard]] std::string errors(std::size_t step) const { return transcript_.steps.at(step).errors; }
  /// The console lines of the step that hold this text.
  [[nodiscard]] std::size_t console_lines(std::size_t step, const std::string& text) const;
  /// All there is to know about a step, for the message of a failed check.
  [[nodiscard]] std::string describe(std::size_t step) const;

 private:
  std::string name_;
  lab::System system_;
  lab::Scenario scenario_;
  lab::Transcript transcript_;
};

/// The options that run() takes if it gets none.
[[nodiscard]] lab::Options default_options(lab::System system = lab::System::kXen);
/// The transcript as text, also written to the build directory's e2e-logs.
std::string log_transcript(const std::string& name, const lab::Transcript& transcript);

}  // namespace hotpatch::e2e
