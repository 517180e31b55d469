// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/cmd_diff.h"

#include <iostream>
#include <memory>

#include "common/extract/write_object.h"
#include "common/support/file.h"
#include "linux/profile/profile.h"
#include "programs/hotpatch/pages.h"
#include "programs/hotpatch/patch_unit.h"
#include "programs/hotpatch/report.h"
#include "xen/profile/profile.h"

namespace hotpatch::cli {
namespace {

struct DiffOptions {
  std::string original;
  std::string patched;
  std::string target = "xen";
  std::string output;
  std::string explain;
  std::string html;
  std::vector<std::string> pairs;
  std::string source_original;
  std::string source_patched;
  std::vector<std::string> compile_options;
};

Result<std::vector<diff::NamedPair>> parse_pairs(const std::vector<std::string>& texts) {
  std::vector<diff::NamedPair> pairs;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || text == "=")
      return fail(Errc::kUsage, "--pair '" + text + "': wanted ORIGINAL=PATCHED; one of the two may be empty");
    pairs.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return pairs;
}

Result<ExitCode> run_diff(const DiffOptions& options, bool json) {
  const target::Profile& profile = options.target == "linux" ? kernel::profile() : xen::profile();
  TypeCollector types;
  UnitOptions unit_options{
      .pairs = {},
      .guards = {},
      .needs_debug_info = false,
      .discharges = {},
      .explain = options.explain,
      .wants_listings = !options.html.empty(),
      .in_parallel = true,
      .original_source = {.file = options.source_original, .command = options.compile_options, .directory = {}},
      .patched_source = {.file = options.source_patched, .command = options.compile_options, .directory = {}}};
  if (options.source_original.empty() != options.source_patched.empty())
    return fail(Errc::kUsage, "--source-original and --source-patched are given together");
  HP_ASSIGN(unit_options.pairs, parse_pairs(options.pairs));
  HP_ASSIGN(UnitPatch unit, patch_unit(options.original, options.patched, options.patched, profile, types, unit_options));
  if (!options.explain.empty() && unit.explanations.empty())
    return fail(Errc::kUsage, "neither object has a symbol '" + options.explain + "'");
  unit.findings.append(types.findings());
  const ExitCode code = unit.findings.has_errors() ? ExitCode::kRejected
                        : unit.changes_something   ? ExitCode::kDone
                                                   : ExitCode::kNothingToDo;
  if (code == ExitCode::kDone && !options.output.empty()) {
    HP_ASSIGN(const Bytes extracted, extract::write_object(unit.object));
    HP_TRY(write_file(options.output, extracted));
  }
  const char* verdict = code == ExitCode::kRejected ? "refused" : code == ExitCode::kDone ? "changed" : "no functional change";
  if (!options.html.empty()) HP_TRY(write_file(options.html, diff_page(unit, verdict)));
  if (json) {
    Json document = make_document("diff");
    document["verdict"] = verdict;
    document.update(to_json(unit));
    document["findings"] = to_json(unit.findings);
    document["safety"] = to_json(unit.assessment, unit.findings, profile.consistency);
    if (!options.explain.empty()) document["explanation"] = to_json(unit.explanations);
    print_document(document);
    return code;
  }
  if (!options.explain.empty()) {
    std::cout << to_text(unit.explanations);
    return code;
  }
  std::cout << to_text(unit) << unit.findings.text();
  if (code != ExitCode::kNothingToDo) std::cout << to_text(unit.assessment, unit.findings, profile.consistency);
  if (code == ExitCode::kNothingToDo) std::cout << "no functional change\n";
  if (code == ExitCode::kRejected) std::cout << "refused: the change cannot be patched safely\n";
  return code;
}

}  // namespace

void add_diff_command(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("diff", "compare two objects of one unit and show what a patch would take along");
  const auto options = std::make_shared<DiffOptions>();
  command->add_option("ORIGINAL", options->original, "object of the original source")->required();
  command->add_option("PATCHED", options->patched, "object of the patched source")->required();
  command->add_option("--target", options->target, "what the objects are part of: xen or linux")
      ->check(CLI::IsMember({"xen", "linux"}))
      ->capture_default_str();
  command->add_option("--output", options->output, "write the changed and new code as a relocatable object");
  command->add_option("--pair", options->pairs,
                      "ORIGINAL=PATCHED: these two symbols are the same thing; one empty: it has no counterpart");
  command->add_option("--source-original", options->source_original,
                      "C source of ORIGINAL, for the rules that need the syntax tree");
  command->add_option("--source-patched", options->source_patched, "C source of PATCHED");
  command
      ->add_option("--compile-option", options->compile_options,
                   "an option that both sources are compiled with (-DNAME, -IDIRECTORY, -include=FILE); may be given again")
      ->allow_extra_args(false);
  command->add_option("--explain", options->explain, "say all that is known of this symbol, in place of the report");
  command->add_option("--html", options->html, "write a page with the changed functions of both objects side by side");
  add_json_option(*command, chosen);
  command->callback([options, &chosen] { chosen.run = [options, &chosen] { return run_diff(*options, chosen.json); }; });
}

}  // namespace hotpatch::cli
