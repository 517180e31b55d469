// SPDX-License-Identifier: GPL-2.0-or-later
#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/e2e/e2e.h"

#include <cstdlib>
#include <iostream>
#include <sstream>

#include <doctest/doctest.h>

#include "buildenv/base.h"
#include "buildenv/cache.h"
#include "buildenv/linux/stock_modules.h"
#include "common/support/file.h"

namespace hotpatch::e2e {
namespace {

namespace fs = std::filesystem;

constexpr int kSkipStatus = 77;
bool skipped = false;

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

fs::path work_directory() {
  static const Result<TempDir> directory = TempDir::make("hotpatch-e2e-");
  REQUIRE_MESSAGE(directory.has_value(), "a temporary directory");
  return directory->path();
}

}  // namespace

fs::path hotpatch_program() { return fs::path(HOTPATCH_TEST_PROGRAMS) / "hotpatch"; }
fs::path host_tool() { return fs::path(HOTPATCH_TEST_PROGRAMS) / "xen-hotpatch"; }
fs::path base_directory() { return variable("HOTPATCH_TEST_BASE", HOTPATCH_TEST_BASE_DIRECTORY); }
fs::path linux_tool() { return fs::path(HOTPATCH_TEST_PROGRAMS) / "linux-hotpatch"; }
fs::path linux_base_directory() { return variable("HOTPATCH_TEST_LINUX_BASE", HOTPATCH_TEST_LINUX_BASE_DIRECTORY); }
fs::path source_file(const std::string& name) { return fs::path(HOTPATCH_TEST_SOURCES) / name; }

std::optional<fs::path> corpus() {
  const fs::path place = variable("HOTPATCH_CORPUS", HOTPATCH_TEST_SOURCES "/../shared/corpus");
  if (!fs::exists(place / "xen.tsv")) return std::nullopt;
  return place;
}

void mark_skipped() { skipped = true; }

process::Outcome hotpatch(std::vector<std::string> arguments) {
  process::Command command;
  command.argv = std::move(arguments);
  command.argv.insert(command.argv.begin(), hotpatch_program().string());
  command.timeout = std::chrono::minutes(5);
  const Result<process::Outcome> outcome = process::run(command);
  REQUIRE_MESSAGE(outcome.has_value(), (outcome ? "" : outcome.error().message()));
  return *outcome;
}

namespace {

fs::path build(const fs::path& output, std::vector<std::string> argv, const std::vector<std::string>& arguments) {
  argv.insert(argv.begin(), "build");
  argv.insert(argv.end(), {"--output", output.string()});
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const process::Outcome outcome = hotpatch(argv);
  REQUIRE_MESSAGE(outcome.exit_status == 0,
                  "building " << output << " ended with " << outcome.exit_status << ": " << outcome.output << outcome.errors);
  return output;
}

}  // namespace

fs::path build_payload(const std::string& name, const std::vector<std::string>& arguments) {
  return build(work_directory() / (name + ".livepatch"), {"--base", base_directory().string(), "--name", name}, arguments);
}

fs::path build_module(const std::string& name, const std::vector<std::string>& arguments) {
  return build(work_directory() / (name + ".ko"), {"--base", linux_base_directory().string()}, arguments);
}

fs::path guest_program(const std::string& name) { return fs::path(HOTPATCH_TEST_PROGRAMS) / "guest" / name; }

fs::path stock_tool() {
  const fs::path program = work_directory() / "xen-livepatch";
  if (fs::exists(program)) return program;
  const fs::path tools = base_directory() / "tree" / "tools";
  process::Command command;
  command.argv = {"cc",
                  "-O2",
                  "-I" + (tools / "include").string(),
                  "-o",
                  program.string(),
                  (tools / "misc" / "xen-livepatch.c").string(),
                  "-lxenctrl"};
  const Result<process::Outcome> outcome = process::run(command);
  REQUIRE_MESSAGE((outcome && outcome->exit_status == 0), (outcome ? outcome->errors : outcome.error().message()));
  return program;
}

std::string schema_problems(const std::string& schema, const std::string& document) {
  process::Command command;
  command.argv = {"python3", source_file("tests/support/check_document.py").string(), schema};
  command.input = document;
  const Result<process::Outcome> outcome = process::run(command);
  REQUIRE(outcome.has_value());
  return outcome->exit_status == 0 ? std::string() : outcome->output + outcome->errors + "not as the schema says";
}

Bytes content_of(const fs::path& file) {
  Result<Bytes> content = read_file(file);
  REQUIRE_MESSAGE(content.has_value(), file.string());
  return *std::move(content);
}

Bytes kernel_module(const std::string& name) {
  const fs::path output = HOTPATCH_TEST_MODULES;
  process::Command command;
  command.argv = {"python3", source_file("tests/e2e/kernel_modules/build.py").string(), linux_base_directory().string(),
                  output.string()};
  command.timeout = std::chrono::minutes(5);
  const Result<process::Outcome> outcome = process::run(command);
  REQUIRE_MESSAGE(outcome.has_value(), (outcome ? "" : outcome.error().message()));
  REQUIRE_MESSAGE(outcome->exit_status == 0, outcome->errors);
  return content_of(output / (name + ".ko"));
}

Bytes stock_module(const std::string& name) {
  const auto base = buildenv::load_base(linux_base_directory());
  REQUIRE_MESSAGE(base.has_value(), (base ? "" : base.error().message()));
  auto modules = buildenv::stock_modules(*base, {name});
  REQUIRE_MESSAGE(modules.has_value(), (modules ? "" : modules.error().message()));
  return std::move(modules->back().file);
}

void Guest::add_payload(const std::string& name, Bytes content) {
  scenario_.files.push_back(lab::GuestFile{"/payloads/" + name, std::move(content), 0644});
}

std::size_t Guest::add(const std::string& command, std::chrono::seconds timeout) {
  lab::Step step;
  step.name = command.substr(0, 60);
  step.command = command;
  step.expected_status.reset();
  step.timeout = timeout;
  scenario_.steps.push_back(std::move(step));
  return scenario_.steps.size() - 1;
}

lab::Options default_options(lab::System system) {
  const auto base = buildenv::load_base(system == lab::System::kXen ? base_directory() : linux_base_directory());
  REQUIRE_MESSAGE(base.has_value(), (base ? "" : base.error().message()));
  lab::Options options;
  options.system = system;
  options.boot_image = base->boot_path();
  const auto cache = buildenv::cache_directory();
  REQUIRE(cache.has_value());
  options.cache = *cache;
  options.timeout = std::chrono::seconds(600);  // a bound against hanging for ever on a busy machine; no figure of merit
  return options;
}

void Guest::run(const lab::Options* options) {
  scenario_.programs.push_back((system_ == lab::System::kXen ? host_tool() : linux_tool()).string());
  Result<lab::Transcript> outcome = lab::run(scenario_, options != nullptr ? *options : default_options(system_));
  REQUIRE_MESSAGE(outcome.has_value(), (outcome ? "" : outcome.error().message()));
  transcript_ = *std::move(outcome);
  const std::string text = log_transcript(name_, transcript_);
  REQUIRE_MESSAGE(transcript_.verdict == lab::Verdict::kPassed, text);
}

std::string Guest::output(std::size_t step) const {
  std::string text = transcript_.steps.at(step).output;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::size_t Guest::console_lines(std::size_t step, const std::string& text) const {
  std::size_t count = 0;
  for (const std::string& line : transcript_.steps.at(step).console) count += line.find(text) != std::string::npos ? 1U : 0U;
  return count;
}

namespace {

void describe_step(std::ostream& out, const lab::StepOutcome& step) {
  out << "$ " << step.command << "\n"
      << step.output << step.errors << "[" << lab::step_state_name(step.state) << ", status " << step.exit_status << ", "
      << step.duration.count() / 1000 << " ms]\n";
  for (const std::string& line : step.console) out << "  | " << line << "\n";
}

}  // namespace

std::string Guest::describe(std::size_t step) const {
  std::ostringstream out;
  describe_step(out, transcript_.steps.at(step));
  return out.str();
}

std::string log_transcript(const std::string& name, const lab::Transcript& transcript) {
  std::ostringstream out;
  out << lab::verdict_name(transcript.verdict) << ": " << transcript.reason << " (" << transcript.accelerator << ", boot "
      << transcript.boot_time.count() << " ms, total " << transcript.total_time.count() << " ms)\n";
  for (const lab::StepOutcome& step : transcript.steps) describe_step(out, step);
  std::string text = out.str();
  out << "\nconsole:\n";
  for (const std::string& line : transcript.console) out << line << "\n";
  std::error_code error;
  const fs::path logs = fs::path(HOTPATCH_TEST_LOGS);
  fs::create_directories(logs, error);
  (void)write_file(logs / (name + ".log"), std::string_view(out.str()));
  return text;
}

}  // namespace hotpatch::e2e

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int status = context.run();
  if (status == 0 && hotpatch::e2e::skipped) return hotpatch::e2e::kSkipStatus;
  return status;
}
