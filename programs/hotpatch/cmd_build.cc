// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/cmd_build.h"

#include <unistd.h>

#include <iostream>
#include <memory>

#include "common/support/file.h"
#include "common/support/text.h"
#include "common/trust/sign.h"
#include "common/trust/vendors.h"
#include "programs/hotpatch/build.h"
#include "programs/hotpatch/build_page.h"
#include "programs/hotpatch/kernel_build.h"
#include "programs/hotpatch/report.h"
#include "xen/link/nops.h"
#include "xen/profile/profile.h"

namespace hotpatch::cli {
namespace {

struct Arguments {
  BuildOptions build;
  std::string output;
  std::string report;
  std::string html;
  std::string sign_key;
  std::string sign_certificate;
  std::string certificate;  // the rest is for Linux alone
  bool all_includers = false;
  std::string consistency;
  std::vector<std::string> guards;
  std::vector<std::string> requirements;  // as the user wrote them
  std::vector<std::string> nops;          // the same
  bool no_replace = false;

  [[nodiscard]] bool has_kernel_options() const {
    return !certificate.empty() || all_includers || no_replace || !consistency.empty();
  }
};

/// If this build fails, nobody shall take what a former one wrote for its outcome.
Result<> remove_stale(const Arguments& arguments) {
  for (const std::string& name : {arguments.output, arguments.report, arguments.html, arguments.certificate}) {
    for (const std::string& path : {name, name + trust::kSignatureSuffix}) {
      std::error_code failure;
      if (!name.empty() && std::filesystem::is_regular_file(path, failure) && !std::filesystem::remove(path, failure))
        return fail_errno("remove what a former build wrote, " + path, failure.value());
    }
  }
  return {};
}

/// The file, and beside it the signature, if there is a key.
Result<> write_signed(const Arguments& arguments, const std::string& path, ByteView content) {
  if (!arguments.sign_key.empty()) {
    HP_ASSIGN(const Bytes signature, trust::sign(content, {.key = arguments.sign_key, .certificate = arguments.sign_certificate},
                                                 trust::Carry::kCertificate));
    HP_TRY(write_file(path + trust::kSignatureSuffix, signature));
  }
  return write_file(path, content);
}

ExitCode verdict_of(const BuildProduct& product) {
  if (product.findings.has_errors()) return ExitCode::kRejected;
  return product.payload ? ExitCode::kDone : ExitCode::kNothingToDo;
}

const char* verdict_name(ExitCode code) {
  return code == ExitCode::kDone ? "built" : code == ExitCode::kRejected ? "refused" : "nothing to do";
}

Json payload_json(const BuildProduct& product, const std::string& output) {
  const xen::LinkReport& report = product.payload->report;
  Json object;
  object["file"] = output;
  object["name"] = product.name;
  object["build_id"] = report.build_id.text();
  object["depends"] = report.depends.text();
  object["xen_depends"] = report.xen_depends.text();
  object["size"] = report.file_size;
  object["pages"] = report.pages;
  object["reappliable"] = report.reappliable;
  Json& functions = object["functions"] = Json::array();
  for (const xen::LinkedFunction& function : report.functions) {
    Json entry;
    entry["name"] = function.name;
    entry["object"] = function.unit;
    entry["old_address"] = hex(function.old_addr.value());
    entry["old_size"] = function.old_size;
    entry["new_offset"] = function.new_offset;
    entry["new_size"] = function.new_size;
    entry["expected_bytes"] = function.expect_length;
    if (!function.note.empty()) entry["note"] = function.note;
    functions.push_back(std::move(entry));
  }
  Json& nops = object["nops"] = Json::array();
  for (const xen::LinkedNops& one : report.nops)
    nops.push_back({{"name", one.name}, {"address", hex(one.address.value())}, {"size", one.size}, {"removed", one.removed}});
  Json& sections = object["sections"] = Json::array();
  for (const xen::LinkedSection& section : report.sections)
    sections.push_back(
        {{"name", section.name}, {"offset", section.offset}, {"size", section.size}, {"relocations", section.relocations}});
  Json& externals = object["bound"] = Json::array();
  for (const xen::LinkedExternal& external : report.externals)
    externals.push_back({{"name", external.name},
                         {"object", external.unit},
                         {"address", hex(external.address.value())},
                         {"by", xen::binding_name(external.binding)}});
  return object;
}

Json report_json(const BuildProduct& product, const std::string& output) {
  const ExitCode code = verdict_of(product);
  Json document = make_document("build");
  document["verdict"] = verdict_name(code);
  document["exit_code"] = static_cast<int>(code);
  document["base"] = {{"description", product.base.description},
                      {"build_id", product.base.build_id.text()},
                      {"proof", buildenv::grade_name(product.base.grade)}};
  document["patch_sha256"] = product.pairs.patch_sha256;
  document["fixes"] = product.fixes;
  Json& changed = document["changed_functions"] = Json::array();
  for (const UnitPatch& unit : product.units)
    for (const SymbolReport& symbol : unit.report.symbols)
      if (symbol.kind == "function" && symbol.verdict == "changed")
        changed.push_back({{"object", unit.unit}, {"name", symbol.name}, {"reason", symbol.reason}});
  document["findings"] = to_json(product.findings);
  document["safety"] = to_json(product.assessment, product.findings, xen::profile().consistency);
  document["discharges"] = to_json(product.discharges, "not tried");
  Json& files = document["changed_files"] = Json::array();
  for (const buildenv::ChangedFile& file : product.pairs.changed) files.push_back(file.path);
  Json& units = document["units"] = Json::array();
  for (std::size_t i = 0; i < product.units.size(); ++i) {
    Json unit = to_json(product.units[i]);
    unit["proof"] = {{"functions", product.located[i].proven_functions}, {"bytes", product.located[i].proven_bytes}};
    units.push_back(std::move(unit));
  }
  document["untouched_units"] = product.pairs.untouched;
  if (product.payload) document["payload"] = payload_json(product, output);
  return document;
}

void print_text(const BuildProduct& product, const std::string& output) {
  for (const UnitPatch& unit : product.units)
    if (!unit.report.symbols.empty()) std::cout << to_text(unit);
  std::cout << product.findings.text();
  if (verdict_of(product) != ExitCode::kNothingToDo)
    std::cout << to_text(product.assessment, product.findings, xen::profile().consistency);
  switch (verdict_of(product)) {
    case ExitCode::kRejected: std::cout << "refused: no payload was written\n"; return;
    case ExitCode::kNothingToDo: std::cout << "nothing to do: the patch changes nothing that runs\n"; return;
    default: break;
  }
  const xen::LinkReport& report = product.payload->report;
  std::cout << "payload " << product.name << " (build ID " << report.build_id.text() << ")\n";
  for (const std::string& fix : product.fixes) std::cout << "  fixes     " << fix << "\n";
  std::cout << "  for Xen   " << report.xen_depends.text() << " (" << product.base.description << ", proof "
            << buildenv::grade_name(product.base.grade) << ")\n";
  if (report.depends != report.xen_depends) std::cout << "  on top of " << report.depends.text() << "\n";
  for (const xen::LinkedFunction& function : report.functions)
    std::cout << "  splices   " << function.name << " at " << hex(function.old_addr.value()) << ", " << function.expect_length
              << " bytes expected there" << (function.note.empty() ? "" : " (" + function.note + ")") << "\n";
  for (const xen::LinkedNops& one : report.nops)
    std::cout << "  NOPs      " << one.name << " at " << hex(one.address.value()) << ", " << one.size
              << " bytes, all expected there: " << joined(one.removed, "; ") << "\n";
  std::cout << "written to " << output << " (" << report.file_size << " bytes, " << report.pages << " pages in Xen)\n";
}

Result<ExitCode> run_kernel_build(const Arguments& arguments, buildenv::Base base, bool json) {
  const BuildOptions& build = arguments.build;
  if (!build.depends.empty()) return fail(Errc::kUsage, "build: --depends is for bases of Xen");
  if (!build.nops.empty()) return fail(Errc::kUsage, "build: --nop is for bases of Xen");
  if (build.pairs.patches.empty()) return fail(Errc::kUsage, "build: --patch is required");
  if ((arguments.consistency == "guarded") != !arguments.guards.empty())
    return fail(Errc::kUsage, "build: --consistency guarded and --guard go together");
  KernelBuildOptions options;
  options.pairs.common = build.pairs;
  options.pairs.affected.all_includers = arguments.all_includers;
  options.progress = build.progress;
  options.wants_listings = !arguments.html.empty();
  options.hooks = build.pairs.hooks;
  options.seal = [](const KernelBuildProduct& built) -> ReportSeal {
    Json report = report_json(built, ExitCode::kDone);
    report["verdict"] = "built";
    std::string grade = report["safety"]["class"];
    return {report_digest(std::move(report)), std::move(grade)};
  };
  if (!arguments.output.empty()) {
    options.module.emplace();
    options.module->name =
        build.name.empty() ? kernel::default_module_name(build.pairs.patches.front().stem().string()) : build.name;
    options.module->hooks = build.pairs.hooks;
    options.module->guards = arguments.guards;
    if (arguments.consistency == "guarded") options.module->consistency = kernel::Consistency::kGuarded;
    if (arguments.consistency == "kernel") options.module->consistency = kernel::Consistency::kKernel;
    options.module->replace = !arguments.no_replace;
    options.module->manifest = build.manifest;
    options.module->sign_key = arguments.sign_key;
    options.module->sign_certificate = arguments.sign_certificate;
    options.pairs.common.hooks.clear();
  }
  HP_TRY(remove_stale(arguments));
  HP_ASSIGN(const KernelBuildProduct product, build_kernel(std::move(base), options));
  const ExitCode code = product.findings.has_errors() ? ExitCode::kRejected
                        : product.changes_something() ? ExitCode::kDone
                                                      : ExitCode::kNothingToDo;
  Json document = report_json(product, code);
  if (product.module) {
    document["verdict"] = "built";
    document["module"] = module_json(*product.module, options.module->name, arguments.output);
  }
  if (!arguments.report.empty()) HP_TRY(write_signed(arguments, arguments.report, as_byte_view(document.dump(2) + "\n")));
  if (!arguments.html.empty()) {
    const std::string name = options.module ? options.module->name : build.pairs.patches.front().stem().string();
    const std::vector<std::filesystem::path> hooks =
        options.module ? options.module->hooks : std::vector<std::filesystem::path>();
    HP_TRY(write_file(arguments.html, as_byte_view(page_of(product, document["verdict"], name, hooks))));
  }
  if (!arguments.certificate.empty() && !product.certificate.empty())
    HP_TRY(write_file(arguments.certificate, product.certificate));
  if (product.module) HP_TRY(write_file(arguments.output, product.module->file));
  if (json) {
    print_document(document);
  } else {
    std::cout << report_text(product);
    if (product.module) std::cout << module_text(*product.module, options.module->name, arguments.output);
    if (code == ExitCode::kRejected) std::cout << "refused\n";
    if (code == ExitCode::kNothingToDo) std::cout << "nothing to do: the patch changes nothing that runs\n";
  }
  if (code == ExitCode::kDone && !product.module)
    std::cerr << "hotpatch: compared and proven; without --output no module is made\n";
  return code;
}

Result<ExitCode> run_build(Arguments& arguments, bool json) {
  Manifest& manifest = arguments.build.manifest;
  for (const std::string& text : arguments.requirements) {
    HP_ASSIGN_DOING("--requires", Manifest::Requirement wanted, parse_requirement(text));
    manifest.requirements.push_back(std::move(wanted));
  }
  for (const std::string& text : arguments.nops) {
    HP_ASSIGN_DOING("--nop", xen::NopRequest wanted, xen::parse_nop(text));
    arguments.build.nops.push_back(std::move(wanted));
  }
  if (const Result<KeyValues> entries = manifest_entries(manifest); !entries)
    return fail(Errc::kUsage, "build: " + entries.error().message());
  if (manifest.id.empty() && manifest.serial != 0)
    return fail(Errc::kUsage, "build: --serial counts within a series: give its --id");
  if (arguments.sign_key.empty() != arguments.sign_certificate.empty())
    return fail(Errc::kUsage, "build: --sign-key and --sign-cert go together");
  if (arguments.build.pairs.patches.empty() && arguments.build.pairs.hooks.empty() && arguments.build.nops.empty())
    return fail(Errc::kUsage, "build: --patch is required, or --hooks, or --nop");
  HP_ASSIGN(buildenv::Base base, buildenv::load_base(arguments.build.base));
  if (base.kernel) return run_kernel_build(arguments, std::move(base), json);
  if (arguments.output.empty()) return fail(Errc::kUsage, "build: --output is required");
  if (arguments.has_kernel_options())
    return fail(Errc::kUsage,
                "build: --certificate, --all-includers, --consistency, --guard and --no-replace are for bases of Linux");
  HP_TRY(remove_stale(arguments));
  BuildOptions options = arguments.build;
  options.seal = [&](const BuildProduct& built) -> ReportSeal {
    return {report_digest(report_json(built, arguments.output)),
            class_name(built.assessment, built.findings, xen::profile().consistency)};
  };
  HP_ASSIGN(const BuildProduct product, build(options));
  Json document = report_json(product, arguments.output);
  std::vector<Explanation> explanations;
  for (const UnitPatch& unit : product.units)
    explanations.insert(explanations.end(), unit.explanations.begin(), unit.explanations.end());
  const std::string& wanted = arguments.build.unit.explain;
  if (!wanted.empty() && explanations.empty())
    return fail(Errc::kUsage, "no unit that the patch touches has a symbol '" + wanted + "'");
  if (!wanted.empty()) document["explanation"] = to_json(explanations);
  if (!arguments.report.empty()) HP_TRY(write_signed(arguments, arguments.report, as_byte_view(document_text(document))));
  if (!arguments.html.empty())
    HP_TRY(write_file(arguments.html, as_byte_view(page_of(product, verdict_name(verdict_of(product))))));
  if (product.payload) HP_TRY(write_signed(arguments, arguments.output, product.payload->file));
  if (json) {
    print_document(document);
    if (verdict_of(product) == ExitCode::kNothingToDo)
      std::cerr << "hotpatch: nothing to do: the patch changes nothing that runs\n";
  } else if (!wanted.empty()) {
    std::cout << to_text(explanations);
  } else {
    print_text(product, arguments.output);
  }
  return verdict_of(product);
}

}  // namespace

void add_build_command(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("build", "make a payload from source patches");
  const auto arguments = std::make_shared<Arguments>();
  BuildOptions& build = arguments->build;
  command->add_option("--base", build.base, "the base that the running hypervisor was proven by")->required();
  command->add_option("--patch", build.pairs.patches, "a unified diff as for 'patch -p1'; several make one payload");
  command->add_option("--output", arguments->output,
                      "where the payload goes; of a base of Linux: the module (without, one is compared and proven only)");
  command->add_flag("--reverse", build.pairs.reverse, "apply the patches backwards");
  command->add_option("--fuzz", build.pairs.fuzz,
                      "outer context lines of a hunk that need not match, with a warning (default: none)");
  command->add_option("--name", build.name, "the payload's name in Xen (default: the first patch's)");
  command->add_option("--vendor", build.manifest.vendor, "who makes the patch: hosts keep two vendors off one function");
  command->add_option("--id", build.manifest.id, "the series of patches that this one is of");
  command->add_option("--serial", build.manifest.serial, "its number in the series: hosts do not go back");
  command
      ->add_option("--requires", arguments->requirements, "ID or ID>=SERIAL: a series that must be in effect; may be given again")
      ->allow_extra_args(false);
  command
      ->add_option("--conflicts", build.manifest.conflicts,
                   "ID: a series that must not be in effect together with this patch; may be given again")
      ->allow_extra_args(false);
  command->add_option("--depends", build.depends, "the payload on top of which this one is to be loaded");
  command->add_option("--hooks", build.pairs.hooks, "C source of hooks; of a base of Xen, a payload may be of hooks alone");
  command
      ->add_option("--nop", arguments->nops,
                   "FUNCTION[+OFFSET]:LENGTH: bytes of a function of Xen that become NOPs; may be given again")
      ->allow_extra_args(false);
  command->add_option("--report", arguments->report, "also write the report, as JSON, to this file");
  command->add_option("--html", arguments->html, "also write the report as a page, with the code side by side and who calls it");
  command->add_option("--explain", build.unit.explain, "say all that is known of this symbol, in place of the report");
  command->add_option("--certificate", arguments->certificate, "Linux: also write the certificate of the proof to this file");
  command->add_flag("--all-includers", arguments->all_includers,
                    "Linux: compile every unit that includes a changed header, whatever it uses of it");
  command->add_option("--sign-key", arguments->sign_key,
                      "sign the report, and the payload or module, with this key (PEM, no passphrase)");
  command->add_option("--sign-cert", arguments->sign_certificate, "the key's X.509 certificate");
  command
      ->add_option(
          "--consistency", arguments->consistency,
          "Linux: 'thread' (default): each thread goes over when it is in none of the functions; 'guarded': nor in one of "
          "--guard; 'kernel': all at once")
      ->check(CLI::IsMember({"thread", "guarded", "kernel"}));
  command->add_option("--guard", arguments->guards, "Linux: an unchanged function that no thread may be in either");
  command->add_flag("--no-replace", arguments->no_replace,
                    "Linux: leave livepatches that are loaded in place (default: this one takes the place of all)");
  command->add_option("--threads", build.pairs.threads, "how many compilers run at a time (default: one per CPU)");
  add_json_option(*command, chosen);
  command->callback([arguments, &chosen] {
    arguments->build.unit.wants_listings = !arguments->html.empty();
    arguments->build.progress = ::isatty(STDERR_FILENO) == 1;
    chosen.run = [arguments, &chosen] { return run_build(*arguments, chosen.json); };
  });
}

}  // namespace hotpatch::cli
