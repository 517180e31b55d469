// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/cmd_base.h"

#include <chrono>
#include <iostream>
#include <memory>

#include <unistd.h>

#include "buildenv/base.h"
#include "buildenv/create.h"
#include "buildenv/create_efi.h"
#include "buildenv/linux/create_kernel.h"
#include "buildenv/linux/verify_kernel.h"
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
  if (base.kernel) {
    json["kernel"] = {{"release", base.kernel->release},
                      {"image_units", base.kernel->image_units},
                      {"module_units", base.kernel->module_units},
                      {"modules", base.kernel->modules}};
    for (const auto& [name, size] : base.kernel->record_sizes) json["kernel"]["record_sizes"][name] = size;
  }
  json["symbols_image"] = base.symbols_image;
  json["boot_image"] = base.boot_image;
  json["config"] = base.config;
  json["build_directory"] = base.build_directory;
  return json;
}

const char* grade_meaning(buildenv::ProofGrade grade) {
  switch (grade) {
    case buildenv::ProofGrade::kIdentical:
      return "identical: built again here, the image has the same build ID and the same bytes";
    case buildenv::ProofGrade::kMatched:
      return "matched: every function of every object equals the image's, relocation fields masked";
    case buildenv::ProofGrade::kOnDemand: break;
  }
  return "on demand: a sample of units equals the image's; each unit that a patch touches is proven when it is compiled";
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
            << "\n";
  if (base.kernel) {
    std::cout << "  release     " << base.kernel->release << "\n"
              << "  units       " << base.kernel->image_units << " of vmlinux, " << base.kernel->module_units << " of "
              << base.kernel->modules << " modules\n";
  } else {
    std::cout << "  objects     " << counts.linked << " in the image (" << counts.assembly << " of assembly, " << counts.init
              << " freed after boot), " << base.units.size() - counts.linked << " not; " << counts.replayable
              << " can be made again singly\n"
              << "  generated   " << base.generated_files.size() << " headers and sources made by the build\n";
  }
  for (const buildenv::Tool& tool : base.tools) {
    std::cout << "  " << tool.name << std::string(tool.name.size() < 11 ? 12 - tool.name.size() : 1, ' ') << tool.version << "\n"
              << "              " << tool.path << "\n";
  }
  std::cout << "  source      sha256 " << base.source_sha256 << "\n"
            << "  where       " << base.directory.string() << "\n"
            << "    " << base.build_directory << "    the " << (base.kernel ? "prepared" : "built") << " source\n"
            << "    " << base.symbols_image << "    the image with symbols\n"
            << "    " << (base.boot_image.empty() ? std::string("(none)") : base.boot_image) << "    what boots\n"
            << "    " << base.config << "    the configuration\n";
}

struct CreateArguments {
  std::string target;
  buildenv::CreateOptions xen;    // what both targets have is here
  std::filesystem::path vmlinux;  // the rest is Linux's
  std::filesystem::path modules;
  std::filesystem::path symvers;
  std::filesystem::path efi_of;  // the base of xen.gz beside which one of xen.efi is wanted
};

Result<> check_create(const CreateArguments& arguments) {
  const buildenv::CreateOptions& options = arguments.xen;
  if (arguments.target != "xen" && arguments.target != "linux") {
    return tl::unexpected(Error(Errc::kUsage, "base create: no target '" + arguments.target + "'")
                              .with_remedy("hotpatch base create xen …, or hotpatch base create linux …"));
  }
  const bool is_kernel = arguments.target == "linux";
  const std::filesystem::path& image = is_kernel ? arguments.vmlinux : options.image;
  const char* const image_option = is_kernel ? "--vmlinux" : "--image";
  const bool own = !options.source.empty() || !options.config.empty() || !image.empty();
  if (!arguments.efi_of.empty()) {
    const bool more = own || !options.debian_version.empty() || !options.make_variables.empty() || !arguments.modules.empty();
    if (is_kernel || more)
      return fail(Errc::kUsage,
                  "base create: --efi-of is for xen, and takes --boot alone beside it: the base that it names has the rest");
    return {};
  }
  if (own == !options.debian_version.empty()) {
    return tl::unexpected(
        Error(Errc::kUsage, std::string("base create takes either --debian or all of --source, --config and ") + image_option)
            .with_remedy("hotpatch base create --help"));
  }
  if (own && (options.source.empty() || options.config.empty() || image.empty()))
    return fail(Errc::kUsage, std::string("base create: --source, --config and ") + image_option + " are needed together");
  if (is_kernel && (!options.image.empty() || !options.make_variables.empty()))
    return fail(Errc::kUsage, "base create linux: --image and --make-variable are for xen");
  if (!is_kernel && (!arguments.vmlinux.empty() || !arguments.modules.empty() || !arguments.symvers.empty()))
    return fail(Errc::kUsage, "base create xen: --vmlinux, --modules and --symvers are for linux");
  if (!own && (!arguments.modules.empty() || !arguments.symvers.empty()))
    return fail(Errc::kUsage, "base create: --modules and --symvers go with --source; a package has its own");
  return {};
}

struct Created {
  buildenv::Base base;
  std::vector<std::string> notes;
};

Result<Created> create(const CreateArguments& arguments) {
  const buildenv::CreateOptions& options = arguments.xen;
  if (!arguments.efi_of.empty()) {
    HP_ASSIGN(buildenv::CreateOutcome outcome,
              buildenv::create_efi_base({options.output, arguments.efi_of, options.boot, options.threads, options.progress}));
    return Created{std::move(outcome.base), std::move(outcome.notes)};
  }
  if (arguments.target == "xen") {
    HP_ASSIGN(buildenv::CreateOutcome outcome, buildenv::create_xen_base(options));
    return Created{std::move(outcome.base), std::move(outcome.notes)};
  }
  HP_ASSIGN(
      buildenv::CreateOutcome outcome,
      buildenv::create_kernel_base({options.output, options.debian_version, options.source, options.config, arguments.vmlinux,
                                    arguments.modules, arguments.symvers, options.boot, options.threads, options.progress}));
  return Created{std::move(outcome.base), std::move(outcome.notes)};
}

Result<ExitCode> run_create(const CreateArguments& arguments, bool json) {
  HP_TRY(check_create(arguments));
  HP_ASSIGN(const Created outcome, create(arguments));
  const std::string& wanted = arguments.xen.debian_version;
  const std::string& made = outcome.base.kernel ? outcome.base.kernel->release : outcome.base.package_version;
  if (json) {
    Json document = make_document("base create");
    document["base"] = base_json(outcome.base);
    if (!wanted.empty()) {
      document["requested_version"] = wanted;
      document["version_substituted"] = wanted != made;
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

struct VerifyArguments {
  std::string directory;
  buildenv::VerifyOptions verify;
  std::size_t sample = 6;  // units of a Linux base
};

Result<ExitCode> run_verify(const VerifyArguments& arguments, bool json) {
  const buildenv::VerifyOptions& options = arguments.verify;
  HP_ASSIGN(const buildenv::Base base, buildenv::load_base(arguments.directory));
  if (base.kernel && options.objects)
    return fail(Errc::kUsage, "base verify: a base of Linux has no objects of its own; give --sample");
  HP_ASSIGN(const buildenv::Verification verification, base.kernel
                                                           ? buildenv::verify_kernel_base(base, arguments.sample, options.threads)
                                                           : buildenv::verify_base(base, options));
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
    if (base.kernel) document["absent"] = verification.absent;
    document["problems"] = verification.problems;
    document["notes"] = verification.notes;
    print_document(document);
  } else {
    std::cout << verification.files << " files have their recorded digests\n"
              << verification.functions << " functions (" << verification.bytes << " bytes) are those of the image "
              << base.build_id.text() << "\n";
    if (options.objects) std::cout << verification.replayed << " objects made again are the same, byte for byte\n";
    if (base.kernel) {
      std::cout << verification.replayed << " of " << arguments.sample << " units made again are those of the kernel\n";
      for (const std::string& function : verification.absent) std::cout << "note: not used by the kernel: " << function << "\n";
    }
    for (const std::string& note : verification.notes) std::cout << "note: " << note << "\n";
    for (const std::string& problem : verification.problems) std::cout << "PROBLEM: " << problem << "\n";
    std::cout << (proven ? "proven\n" : "NOT PROVEN: make this base again\n");
  }
  return proven ? ExitCode::kDone : ExitCode::kTrust;
}

void add_create(CLI::App& parent, Chosen& chosen) {
  const auto options = std::make_shared<CreateArguments>();
  buildenv::CreateOptions& create = options->xen;
  CLI::App* command =
      parent.add_subcommand("create", "Prove that what is compiled here is what was shipped, and keep what that took");
  command->add_option("target", options->target, "what to make a base of: xen, linux")->required();
  command->add_option(
      "--debian", create.debian_version,
      "xen: the version of Debian's package, e.g. 4.17.5+72-g01140da4e8-1; linux: the release, e.g. 6.1.0-54-amd64");
  command->add_option("--source", create.source, "your own source tree (xen: the directory that has xen/ and Config.mk)");
  command->add_option("--config", create.config, "the configuration that your image was built with (.config)");
  command->add_option("--image", create.image, "xen: your image with symbols, xen-syms");
  command->add_option("--vmlinux", options->vmlinux, "linux: your image with symbols and debugging information");
  command->add_option("--modules", options->modules, "linux: the directory of your modules with debugging information");
  command->add_option("--symvers", options->symvers,
                      "linux: the Module.symvers of your kernel's build (default: the one beside vmlinux)");
  command->add_option("--boot", create.boot, "what your hosts boot: xen.gz, xen.efi, vmlinuz (for hotpatch try)");
  command->add_option("--efi-of", options->efi_of,
                      "xen: instead of all that, a base of xen.gz: make that of the same build's xen.efi");
  command
      ->add_option("--make-variable", create.make_variables, "xen: NAME=VALUE that your image's build gave to make; repeatable")
      ->take_all();
  command->add_option("--output", create.output, "the directory to make")->required();
  command->add_option("-j,--jobs", create.threads, "jobs at a time (default: one per CPU)");
  add_json_option(*command, chosen);
  command->callback([options, &chosen] {
    options->xen.progress = progress_to_stderr();
    chosen.run = [options, &chosen] { return run_create(*options, chosen.json); };
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
  const auto options = std::make_shared<VerifyArguments>();
  CLI::App* command = parent.add_subcommand("verify", "Prove a base again: every file, and every function against the image");
  command->add_option("directory", options->directory, "the base")->required();
  command->add_flag("--objects", options->verify.objects, "also make every object again with its recorded commands");
  command->add_option("--sample", options->sample, "linux: how many units to make again and prove (default: 6)");
  command->add_option("-j,--jobs", options->verify.threads, "jobs at a time (default: one per CPU)");
  add_json_option(*command, chosen);
  command->callback([options, &chosen] { chosen.run = [options, &chosen] { return run_verify(*options, chosen.json); }; });
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
