// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/cmd_base.h"

#include <chrono>
#include <iostream>
#include <memory>

#include <unistd.h>

#include "buildenv/base.h"
#include "buildenv/create.h"
#include "buildenv/verify.h"

namespace hotpatch::cli {
namespace {

using std::chrono::steady_clock;

/// One line that is overwritten on a terminal; lines with the time since the start elsewhere, and there only those that say a new stage.
buildenv::Progress progress_to_stderr() {
  const auto begin = steady_clock::now();
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  return [begin, terminal](const std::string& text) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - begin).count();
    const bool is_tick = text.starts_with("building: ");
    if (is_tick && !terminal) return;
    std::cerr << (terminal ? "\r\033[K" : "") << "[" << seconds << " s] " << text << (is_tick ? "" : "\n") << std::flush;
  };
}

struct Counts {
  std::size_t linked = 0;
  std::size_t init = 0;
  std::size_t assembly = 0;
  std::size_t replayable = 0;
  std::size_t unproven = 0;
};

Counts count_units(const buildenv::Base& base) {
  Counts counts;
  for (const buildenv::Unit& unit : base.units) {
    counts.linked += unit.is_linked ? 1U : 0U;
    counts.init += unit.is_linked && unit.is_init ? 1U : 0U;
    counts.assembly += unit.is_linked && !unit.source.ends_with(".c") ? 1U : 0U;
    counts.unproven += unit.unproven.empty() ? 0U : 1U;
    counts.replayable += unit.unreplayable.empty() ? 1U : 0U;
  }
  return counts;
}

Json base_json(const buildenv::Base& base) {
  const Counts counts = count_units(base);
  Json json;
  json["directory"] = base.directory.string();
  json["target"] = base.target;
  json["description"] = base.description;
  json["package_version"] = base.package_version;
  json["architecture"] = base.architecture;
  json["build_id"] = base.build_id.text();
  json["grade"] = buildenv::grade_name(base.grade);
  json["proven_functions"] = base.proven_functions;
  json["proven_bytes"] = base.proven_bytes;
  json["source_sha256"] = base.source_sha256;
  json["config_sha256"] = base.config_sha256;
  json["image_sha256"] = base.image_sha256;
  Json tools = Json::array();
  for (const buildenv::Tool& tool : base.tools) {
    tools.push_back({{"name", tool.name}, {"path", tool.path}, {"version", tool.version}, {"sha256", tool.sha256}});
  }
  json["tools"] = std::move(tools);
  json["objects"] = {{"all", base.units.size()},    {"linked", counts.linked},         {"init", counts.init},
                     {"assembly", counts.assembly}, {"replayable", counts.replayable}, {"unproven", counts.unproven}};
  json["generated_files"] = base.generated_files.size();
  json["symbols_image"] = base.symbols_image;
  json["boot_image"] = base.boot_image;
  json["config"] = base.config;
  json["build_directory"] = base.build_directory;
  return json;
}

const char* grade_meaning(buildenv::ProofGrade grade) {
  return grade == buildenv::ProofGrade::kIdentical
             ? "identical: built again here, the image has the same build ID and the same bytes"
             : "matched: every function of every object equals the image's, relocation fields masked";
}

void print_base(const buildenv::Base& base) {
  const Counts counts = count_units(base);
  std::cout << base.description << "\n"
            << "  build ID    " << base.build_id.text() << "\n"
            << "  proof       " << grade_meaning(base.grade) << "\n"
            << "              " << base.proven_functions << " functions, " << base.proven_bytes
            << " bytes found in the image, function by function"
            << (counts.unproven == 0 ? std::string()
                                     : "; " + std::to_string(counts.unproven) + " of the objects cannot be proven, nor patched")
            << "\n"
            << "  objects     " << counts.linked << " in the image (" << counts.assembly << " of assembly, " << counts.init
            << " freed after boot), " << base.units.size() - counts.linked << " not; " << counts.replayable
            << " can be made again singly\n"
            << "  generated   " << base.generated_files.size() << " headers and sources made by the build\n";
  for (const buildenv::Tool& tool : base.tools) {
    std::cout << "  " << tool.name << std::string(tool.name.size() < 11 ? 12 - tool.name.size() : 1, ' ') << tool.version << "\n"
              << "              " << tool.path << "\n";
  }
  std::cout << "  source      sha256 " << base.source_sha256 << "\n"
            << "  where       " << base.directory.string() << "\n"
            << "    " << base.build_directory << "    the built source\n"
            << "    " << base.symbols_image << "    the image with symbols\n"
            << "    " << (base.boot_image.empty() ? std::string("(none)") : base.boot_image) << "    what boots\n"
            << "    " << base.config << "    the configuration\n";
}

Result<ExitCode> run_create(const buildenv::CreateOptions& options, const std::string& target, bool json) {
  if (target != "xen") {
    return tl::unexpected(
        Error(Errc::kUsage, "base create: no target '" + target + "'").with_remedy("hotpatch base create xen …"));
  }
  const bool own = !options.source.empty() || !options.config.empty() || !options.image.empty();
  if (own == !options.debian_version.empty()) {
    return tl::unexpected(Error(Errc::kUsage, "base create takes either --debian or all of --source, --config and --image")
                              .with_remedy("hotpatch base create --help"));
  }
  if (own && (options.source.empty() || options.config.empty() || options.image.empty())) {
    return fail(Errc::kUsage, "base create: --source, --config and --image are needed together");
  }
  HP_ASSIGN(const buildenv::CreateOutcome outcome, buildenv::create_xen_base(options));
  if (json) {
    Json document = make_document("base create");
    document["base"] = base_json(outcome.base);
    if (!options.debian_version.empty()) {
      document["requested_version"] = options.debian_version;
      document["version_substituted"] = options.debian_version != outcome.base.package_version;
    }
    document["notes"] = outcome.notes;
    print_document(document);
    return ExitCode::kDone;
  }
  print_base(outcome.base);
  for (const std::string& note : outcome.notes) std::cout << "NOTE: " << note << "\n";
  return ExitCode::kDone;
}

Result<ExitCode> run_show(const std::string& directory, bool json) {
  HP_ASSIGN(const buildenv::Base base, buildenv::load_base(directory));
  if (json) {
    Json document = make_document("base show");
    document["base"] = base_json(base);
    print_document(document);
  } else {
    print_base(base);
  }
  return ExitCode::kDone;
}

Result<ExitCode> run_verify(const std::string& directory, const buildenv::VerifyOptions& options, bool json) {
  HP_ASSIGN(const buildenv::Base base, buildenv::load_base(directory));
  HP_ASSIGN(const buildenv::Verification verification, buildenv::verify_base(base, options));
  const bool proven = verification.problems.empty();
  if (json) {
    Json document = make_document("base verify");
    document["directory"] = base.directory.string();
    document["build_id"] = base.build_id.text();
    document["proven"] = proven;
    document["files"] = verification.files;
    document["functions"] = verification.functions;
    document["bytes"] = verification.bytes;
    document["objects_made_again"] = verification.replayed;
    document["problems"] = verification.problems;
    document["notes"] = verification.notes;
    print_document(document);
  } else {
    std::cout << verification.files << " files have their recorded digests\n"
              << verification.functions << " functions (" << verification.bytes << " bytes) are those of the image "
              << base.build_id.text() << "\n";
    if (options.objects) std::cout << verification.replayed << " objects made again are the same, byte for byte\n";
    for (const std::string& note : verification.notes) std::cout << "note: " << note << "\n";
    for (const std::string& problem : verification.problems) std::cout << "PROBLEM: " << problem << "\n";
    std::cout << (proven ? "proven\n" : "NOT PROVEN: make this base again\n");
  }
  return proven ? ExitCode::kDone : ExitCode::kTrust;
}

void add_create(CLI::App& parent, Chosen& chosen) {
  struct Options {
    std::string target;
    buildenv::CreateOptions create;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      parent.add_subcommand("create", "Build an image again, prove that it is the shipped one, and keep what that took");
  command->add_option("target", options->target, "what to make a base of: xen")->required();
  command->add_option("--debian", options->create.debian_version,
                      "the version of Debian's package, e.g. 4.17.5+72-g01140da4e8-1");
  command->add_option("--source", options->create.source, "your own source tree (the directory that has xen/ and Config.mk)");
  command->add_option("--config", options->create.config, "the configuration that your image was built with (xen/.config)");
  command->add_option("--image", options->create.image, "your image with symbols: xen-syms");
  command->add_option("--boot", options->create.boot, "what your hosts boot: xen.gz (for hotpatch try)");
  command
      ->add_option("--make-variable", options->create.make_variables,
                   "NAME=VALUE that your image's build gave to make; repeatable")
      ->take_all();
  command->add_option("--output", options->create.output, "the directory to make")->required();
  command->add_option("-j,--jobs", options->create.threads, "jobs at a time (default: one per CPU)");
  add_json_option(*command, chosen);
  command->callback([options, &chosen] {
    options->create.progress = progress_to_stderr();
    chosen.run = [options, &chosen] { return run_create(options->create, options->target, chosen.json); };
  });
}

void add_show(CLI::App& parent, Chosen& chosen) {
  const auto directory = std::make_shared<std::string>();
  CLI::App* command = parent.add_subcommand("show", "Explain a base");
  command->add_option("directory", *directory, "the base")->required();
  add_json_option(*command, chosen);
  command->callback([directory, &chosen] { chosen.run = [directory, &chosen] { return run_show(*directory, chosen.json); }; });
}

void add_verify(CLI::App& parent, Chosen& chosen) {
  struct Options {
    std::string directory;
    buildenv::VerifyOptions verify;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand("verify", "Prove a base again: every file, and every function against the image");
  command->add_option("directory", options->directory, "the base")->required();
  command->add_flag("--objects", options->verify.objects, "also make every object again with its recorded commands");
  command->add_option("-j,--jobs", options->verify.threads, "jobs at a time (default: one per CPU)");
  add_json_option(*command, chosen);
  command->callback([options, &chosen] {
    chosen.run = [options, &chosen] { return run_verify(options->directory, options->verify, chosen.json); };
  });
}

}  // namespace

void add_base_commands(CLI::App& app, Chosen& chosen) {
  CLI::App* base = app.add_subcommand("base", "Make, explain and prove bases: what a patch is built against");
  base->require_subcommand(1);
  add_create(*base, chosen);
  add_show(*base, chosen);
  add_verify(*base, chosen);
}

}  // namespace hotpatch::cli
